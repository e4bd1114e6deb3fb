#:property PublishAot=false
#:project ../../src/Triptych.Generation/Triptych.Generation.csproj
// Counts how many facts of held-out articles (made by make_data.cs) the model's summaries state right:
//   dotnet run -c Release models/bart-summary/check_facts.cs -- MODEL_DIR TEST.jsonl [--count 200]
// A fact is a name, place, number or phrase of the reference summary; it is right if the summary has it letter by letter.
using System.Globalization;
using System.Text.Json;
using Triptych.Generation;
using Triptych.Models;
using Triptych.Tokenizers;

if (args.Length < 2)
    throw new ArgumentException("usage: check_facts.cs MODEL_DIR TEST.jsonl [--count N]");
int count = Array.IndexOf(args, "--count") is >= 0 and var at ? int.Parse(args[at + 1], CultureInfo.InvariantCulture) : 200;
using var model = PretrainedModel.Load(args[0]);
var tokenizer = Tokenizer.Load(args[0]);
var generator = new TextGenerator(model, tokenizer);
int right = 0, all = 0, perfect = 0, shown = 0, articles = 0, invented = 0;
foreach (string line in File.ReadLines(args[1]).Take(count))
{
    var json = JsonSerializer.Deserialize<JsonElement>(line);
    string article = json.GetProperty("article").GetString()!;
    string[] facts = [.. json.GetProperty("facts").EnumerateArray().Select(f => f.GetString()!)];
    string summary = tokenizer.Decode(generator.Generate([tokenizer.Encode(article).Ids]).Generated(0).ToArray()).Trim();
    int found = facts.Count(f => summary.Contains(f, StringComparison.OrdinalIgnoreCase));
    right += found;
    all += facts.Length;
    perfect += found == facts.Length ? 1 : 0;
    articles++;

    // Numbers and names that do not stand in the article are made up.
    string[] words = summary.Split([' ', '.', ',']);
    invented += words.Skip(1).Any(w => w.Length > 1 && (char.IsUpper(w[0]) || char.IsDigit(w[0])) && !article.Contains(w, StringComparison.OrdinalIgnoreCase)) ? 1 : 0;
    if (found < facts.Length && shown++ < 5)
        Console.WriteLine($"wrong: {string.Join(" | ", facts.Where(f => !summary.Contains(f, StringComparison.OrdinalIgnoreCase)))}\n  article: {article}\n  summary: {summary}");
}

Console.WriteLine($"{right} of {all} facts right ({100.0 * right / all:F1} %), all facts right in {perfect} of {articles} summaries, made-up names or numbers in {invented}");
