#:property PublishAot=false
// Writes short local-news articles with their summaries, for the training of bart-summary:
//   dotnet run models/bart-summary/make_data.cs -- OUT.jsonl --seed 1 --count 40000 [--held-out]
// Each line is {"article", "summary", "kind", "facts"}; facts are the names, places and numbers of the summary, all of which stand in the
// article. People, places, companies and teams have names from lists, names put together from parts, and invented ones; every tenth of all
// these is kept for --held-out, where nothing else is used: how many of them a model gets right tells whether it copies or remembers.
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

string path = args.FirstOrDefault(a => !a.StartsWith('-')) ?? throw new ArgumentException("usage: make_data.cs OUT.jsonl [--seed N] [--count N] [--held-out]");
int Option(string name, int otherwise) => Array.IndexOf(args, name) is >= 0 and var at ? int.Parse(args[at + 1], CultureInfo.InvariantCulture) : otherwise;
var writer = new NewsWriter(Option("--seed", 1), args.Contains("--held-out"));
int count = Option("--count", 1000);
var options = new JsonSerializerOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder)
    Directory.CreateDirectory(folder);
using var output = new StreamWriter(path);
for (int i = 0; i < count; i++)
{
    var (kind, article, summary, facts) = writer.Next();
    output.Write(JsonSerializer.Serialize(new { article, summary, kind, facts }, options) + "\n");
}

internal sealed class NewsWriter(int seed, bool heldOut)
{
    private static readonly string[] PlaceStems =
        ["Hart", "Brook", "Ash", "Elm", "Mill", "Stone", "Wood", "Fair", "West", "North", "Green", "Clear", "Oak", "Red", "Silver", "King", "Queens", "Marsh",
         "Lang", "Win", "Thorn", "Black", "White", "Raven", "Fox", "Holly", "Maple", "Cedar", "Rose", "Spring", "Summer", "Glen", "High", "Long", "Cold", "Bright",
         "East", "South", "New", "Old", "Wolf", "Eagle", "Swan", "Hazel", "Birch", "Pine", "Kirk", "Chester", "Lin", "Mar", "Al", "Bel", "Car", "Dan", "Har", "Mor"];

    private static readonly string[] PlaceEnds =
        ["field", "ley", "ford", "ton", "wick", "bridge", "dale", "mouth", "port", "bury", "ham", "stead", "haven", "view", "wood", "gate", "combe", "well", "hurst", "minster"];

    private static readonly string[] SurnameStems =
        ["Ander", "John", "Peter", "Wil", "Robert", "Rich", "Har", "Mat", "Ed", "Jack", "Thom", "Nichol", "Daw", "Law", "Mor", "Carl", "Hend", "Gib", "Ham", "Ell",
         "Whit", "Black", "Green", "Wal", "Brad", "Stan", "Chand", "Bar", "Cal", "Dun", "Fer", "Gal", "Hol", "Ken", "Lam", "Mer", "Nor", "Pem", "Red", "Sand"];

    private static readonly string[] SurnameEnds =
        ["son", "ton", "ley", "man", "well", "ford", "ers", "kins", "berg", "ham", "more", "row", "by", "field", "worth", "ard"];

    private static readonly string[] Places =
        ["London", "Paris", "Berlin", "Madrid", "Rome", "Vienna", "Oxford", "Cambridge", "York", "Leeds", "Bristol", "Norwich", "Portsmouth", "Liverpool", "Manchester", "Glasgow",
         "Dublin", "Cork", "Boston", "Chicago", "Denver", "Seattle", "Austin", "Dallas", "Phoenix", "Portland", "Oakland", "Atlanta", "Miami", "Detroit", "Toronto", "Montreal",
         "Sydney", "Melbourne", "Perth", "Auckland", "Oslo", "Stockholm", "Helsinki", "Copenhagen", "Lisbon", "Porto", "Athens", "Prague", "Warsaw", "Krakow", "Budapest", "Zurich",
         "Geneva", "Basel", "Munich", "Hamburg", "Cologne", "Dresden", "Leipzig", "Bremen", "Lyon", "Nice", "Lille", "Nantes", "Bordeaux", "Milan", "Turin", "Naples", "Venice",
         "Seville", "Valencia", "Bilbao", "Nairobi", "Cairo", "Lagos", "Accra", "Mumbai", "Delhi", "Tokyo", "Osaka", "Seoul", "Lima", "Quito", "Bogota", "Havana", "Springfield"];

    private static readonly string[] Surnames =
        ["Smith", "Jones", "Taylor", "Brown", "Miller", "Davis", "Garcia", "Martinez", "Lopez", "Lee", "Walker", "Young", "King", "Wright", "Scott", "Hill", "Adams", "Baker", "Nelson",
         "Carter", "Phillips", "Evans", "Turner", "Parker", "Collins", "Murphy", "Cook", "Rogers", "Morgan", "Cooper", "Kelly", "Howard", "Ward", "Cox", "Gray", "Hughes", "Price",
         "Foster", "Long", "Ross", "Powell", "Russell", "Griffin", "Hayes", "Fisher", "Reynolds", "Graham", "Kumar", "Singh", "Patel", "Khan", "Schmidt", "Weber", "Fischer", "Wagner",
         "Rossi", "Ferrari", "Dubois", "Moreau", "Novak", "Kowalski", "Hansen", "Larsen", "Nguyen", "Tanaka", "Suzuki", "Kim", "Park", "Chen", "Wang", "Okafor", "Mensah", "Silva"];

    private static readonly string[] Onsets =
        ["b", "br", "c", "ch", "cl", "d", "dr", "f", "fl", "g", "gr", "h", "j", "k", "l", "m", "n", "p", "pr", "qu", "r", "s", "sh", "st", "t", "th", "tr", "v", "w", "y", "z", ""];

    private static readonly string[] Vowels = ["a", "e", "i", "o", "u", "a", "e", "i", "o", "ai", "ea", "ee", "ou", "ie"];

    private static readonly string[] Codas = ["", "", "n", "r", "l", "s", "m", "t", "nd", "ck", "rt", "ll", "ng", "x", "rk", "ss"];

    private static readonly string[] FirstNames =
        ["Anna", "James", "Maria", "David", "Laura", "Peter", "Susan", "Mark", "Emma", "Paul", "Helen", "Daniel", "Sarah", "Thomas", "Julia", "Robert", "Alice", "Simon",
         "Karen", "Martin", "Nina", "Oscar", "Grace", "Henry", "Lucy", "George", "Clara", "Frank", "Diana", "Victor", "Rosa", "Samuel", "Olivia", "Leo", "Hannah",
         "Adam", "Megan", "Carlos", "Priya", "Ahmed", "Yuki", "Fatima", "Ivan", "Chloe", "Tom", "Rachel", "Ben", "Amy", "Jack", "Kate", "Noah", "Ella", "Max", "Ruth"];

    private static readonly string[] Trades =
        ["Foods", "Energy", "Software", "Motors", "Textiles", "Bank", "Airlines", "Electronics", "Steel", "Paper", "Furniture", "Insurance", "Telecom", "Glass", "Tools"];

    private static readonly string[] TeamEnds = ["United", "Rovers", "City", "Town", "Athletic", "Wanderers", "Rangers", "Albion"];
    private static readonly string[] Days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    private static readonly string[] Months = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
    private static readonly string[] Numbers = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];

    private readonly Random random = new(seed);

    public (string Kind, string Article, string Summary, string[] Facts) Next() => random.Next(10) switch
    {
        0 => Weather(),
        1 => Match(),
        2 => Company(),
        3 => Council(),
        4 => Concert(),
        5 => Accident(),
        6 => Science(),
        7 => Theft(),
        8 => Festival(),
        _ => Fundraiser(),
    };

    private (string, string, string, string[]) Weather()
    {
        string place = Place(), other = Place(), day = Pick(Days), speaker = Person();
        int wind = random.Next(10, 28) * 5, homes = random.Next(3, 90) * 100, schools = random.Next(2, 13);
        string storm = Pick("A storm", "Heavy rain", "A snowstorm", "A thunderstorm", "Strong wind"), plain = Lower(storm);
        string trouble = Pick("left {0} homes without power", "cut the power to {0} homes", "forced people out of {0} homes");
        return Compose(
            "weather",
            Pick($"{storm} hit {place} on {day} and {Fill(trouble, homes)}.", $"People in {place} woke up to a hard {day}, when {plain} reached the area.",
                $"{storm} moved across {place} on {day}, and many people had to stay at home."),
            [
                Pick($"In {place}, the bad weather {Fill(trouble, homes)}, the police said.", $"Officials in {place} said that the weather {Fill(trouble, homes)}."),
                Pick($"Gusts of up to {wind} kilometres an hour were measured.", $"The wind reached {wind} kilometres an hour at its worst."),
            ],
            [
                $"{schools} schools stayed closed for the day.", $"\"We have not seen anything like this for years,\" said {speaker}, who lives near the river.",
                $"Trains between {place} and {other} were late by up to {random.Next(2, 9) * 10} minutes.", "Workers cleared fallen trees from the roads.",
                "The fire service asked people to drive slowly.", $"In {other} there was little damage.", "Better weather is expected by the end of the week.",
                "Shops in the centre closed early.",
            ],
            Pick($"{storm} {Fill(trouble, homes)} in {place} on {day}, with winds of up to {wind} kilometres an hour.",
                $"{storm} hit {place} on {day} and {Fill(trouble, homes)}. The wind reached {wind} kilometres an hour."),
            [place, day, $"{homes}", $"{wind}"]);
    }

    private (string, string, string, string[]) Match()
    {
        string home = Team(), away = Team(), scorer = Person(), coach = Person(), day = Pick(Days);
        int winning = random.Next(1, 6), losing = random.Next(0, winning), minute = random.Next(46, 91);
        bool homeWins = random.Next(2) == 0;
        string winner = homeWins ? home : away, loser = homeWins ? away : home;
        return Compose(
            "match",
            Pick($"{winner} beat {loser} {winning}-{losing} on {day}.", $"{loser} lost {winning}-{losing} against {winner} on {day}.",
                $"It was a good {day} for {winner}, who won {winning}-{losing} against {loser}."),
            [Pick($"{scorer} scored the winning goal in minute {minute}.", $"The goal that decided the match came from {scorer} in minute {minute}.")],
            [
                $"\"The players gave everything today,\" said coach {coach}.", $"About {random.Next(5, 300) * 100} people watched the match.",
                $"{loser} had most of the ball in the first half.", $"The goalkeeper of {loser} made {random.Next(2, 9)} good saves.",
                "It rained for most of the second half.", $"{winner} will play away from home next week.", $"{loser} are now in place {random.Next(8, 20)} of the table.",
                "Two players were shown a yellow card.", $"It was the first win for {winner} in {random.Next(2, 7)} matches.",
            ],
            Pick($"{winner} beat {loser} {winning}-{losing} on {day}, with the winning goal by {scorer} in minute {minute}.",
                $"{winner} won {winning}-{losing} against {loser} on {day}. {scorer} scored the winning goal in minute {minute}."),
            [winner, loser, $"{winning}-{losing}", day, scorer, $"{minute}"]);
    }

    private (string, string, string, string[]) Company()
    {
        string company = Place() + " " + Pick(Trades), boss = Person(), place = Place();
        int percent = random.Next(2, 60), million = random.Next(3, 950), jobs = random.Next(2, 90) * 10;
        bool up = random.Next(3) > 0;
        string profit = up ? "rose" : "fell", plan = up ? "create" : "cut", plans = up ? "new jobs" : "jobs";
        return Compose(
            "company",
            Pick($"{company} said on {Pick(Days)} that its profit {profit} by {percent} percent to {million} million dollars.",
                $"Profit at {company} {profit} by {percent} percent last year, to {million} million dollars."),
            [Pick($"The company plans to {plan} {jobs} {plans} in {place}.", $"In {place}, {company} will {plan} {jobs} {plans}.")],
            [
                $"\"The year was {(up ? "better" : "harder")} than we expected,\" said chief executive {boss}.", $"Sales abroad made up {random.Next(10, 70)} percent of the total.",
                $"Shares of the company {(up ? "gained" : "lost")} {random.Next(1, 12)} percent.", $"The firm was founded in {random.Next(1890, 2010)}.",
                $"It has {random.Next(2, 40)} offices around the country.", "Unions said that they would look at the figures closely.", "Prices of raw materials went up.",
                $"A new factory is to open in {Pick(Months)}.",
            ],
            Pick($"The profit of {company} {profit} by {percent} percent to {million} million dollars. It plans to {plan} {jobs} {plans} in {place}.",
                $"{company} said its profit {profit} by {percent} percent to {million} million dollars, and it will {plan} {jobs} {plans} in {place}."),
            [company, $"{percent}", $"{million}", $"{jobs}", place]);
    }

    private (string, string, string, string[]) Council()
    {
        string place = Place(), mayor = Person(), critic = Person(), month = Pick(Months);
        int million = random.Next(2, 80), yes = random.Next(9, 30), no = random.Next(1, 9);
        string thing = Pick("a new library", "a swimming pool", "a bus station", "a new school", "a cycle path", "a sports hall", "a park by the river", "a new bridge", "a youth centre");
        return Compose(
            "council",
            Pick($"The council of {place} has decided to build {thing}.", $"{place} will get {thing}, the town council decided on {Pick(Days)}.",
                $"After a long debate, the council of {place} voted for {thing}."),
            [
                Pick($"The project will cost {million} million dollars.", $"It is to cost {million} million dollars."),
                Pick($"Work will begin in {month}.", $"Building is to start in {month}."),
            ],
            [
                $"{yes} members voted for the plan and {no} against it.", $"Mayor {mayor} called it a great day for the town.", $"\"The money is needed elsewhere,\" said council member {critic}.",
                $"The idea was first discussed {Pick(Numbers)} years ago.", "Neighbours had complained about the noise that building would bring.", "The state will pay a part of the cost.",
                $"More than {random.Next(3, 60) * 100} people had signed a petition.", "The meeting lasted until late in the evening.",
            ],
            Pick($"The council of {place} decided to build {thing} for {million} million dollars, and work will begin in {month}.",
                $"{place} will get {thing}. It will cost {million} million dollars and work will begin in {month}."),
            [place, thing, $"{million}", month]);
    }

    private (string, string, string, string[]) Concert()
    {
        string artist = Person(), place = Place(), month = Pick(Months), hall = Pick("town hall", "city theatre", "old church", "concert hall", "castle garden", "open-air stage");
        int price = random.Next(4, 40) * 2, day = random.Next(1, 29);
        string art = Pick("Singer", "Pianist", "Violinist", "Guitarist", "Cellist");
        return Compose(
            "concert",
            Pick($"{art} {artist} will give a concert in {place} on {day} {month}.", $"Music lovers in {place} can look forward to {day} {month}, when {Lower(art)} {artist} comes to town."),
            [Pick($"The concert takes place in the {hall}.", $"{artist} will play in the {hall}."), Pick($"Tickets cost {price} dollars.", $"A ticket is {price} dollars.")],
            [
                $"The artist grew up in {Place()} and began to play at the age of {random.Next(4, 13)}.", $"The hall has {random.Next(2, 30) * 50} seats.", "Part of the money goes to a local school of music.",
                $"The last album sold more than {random.Next(2, 90)} thousand copies.", "Students pay half the price.", "The doors open at seven in the evening.",
                $"\"I have wonderful memories of {place},\" the artist said.", $"It is the {Pick("first", "second", "third", "last")} concert of the tour.",
            ],
            Pick($"{art} {artist} will play in the {hall} of {place} on {day} {month}. Tickets cost {price} dollars.",
                $"{artist} gives a concert in the {hall} of {place} on {day} {month}, with tickets at {price} dollars."),
            [artist, hall, place, $"{day} {month}", $"{price}"]);
    }

    private (string, string, string, string[]) Accident()
    {
        string place = Place(), road = Place(), day = Pick(Days), officer = Person(), hurt = Pick(Numbers);
        int hours = random.Next(2, 10), age = random.Next(19, 84);
        string what = Pick("A lorry and a bus", "Two cars", "A van and a tram", "A car and a motorbike", "A tractor and a car", "A bus and a bicycle");
        return Compose(
            "accident",
            Pick($"{Capital(hurt)} people were hurt when {Lower(what)} crashed near {place} on {day}.", $"{what} crashed near {place} on {day}, and {hurt} people were hurt."),
            [Pick($"The road to {road} was closed for {hours} hours.", $"The police closed the road to {road} for {hours} hours.")],
            [
                $"One of the drivers, aged {age}, had not seen the other in time, the police said.", $"\"We were very lucky that nobody died,\" said police officer {officer}.",
                "A helicopter took one person to hospital.", "The road was wet at the time.", $"Damage is put at {random.Next(5, 90)} thousand dollars.", "Witnesses are asked to call the police.",
                $"It was the {Pick("second", "third", "fourth")} accident at this place this year.", "The fire service cleaned the road of oil.",
            ],
            Pick($"{Capital(hurt)} people were hurt when {Lower(what)} crashed near {place} on {day}. The road to {road} was closed for {hours} hours.",
                $"{what} crashed near {place} on {day}. {Capital(hurt)} people were hurt and the road to {road} was closed for {hours} hours."),
            [hurt, what, place, day, road, $"{hours}"]);
    }

    private (string, string, string, string[]) Science()
    {
        string university = Place(), leader = Person(), journal = Pick("a science journal", "a medical journal", "a report");
        int subjects = random.Next(3, 95) * 100, percent = random.Next(5, 60), years = random.Next(2, 15);
        var (habit, effect) = Pick(
            [("walk every day", "sleep better"), ("eat more fruit", "fall ill less often"), ("read books", "remember more"), ("sleep eight hours", "learn faster"), ("play an instrument", "concentrate better"),
             ("learn a language", "stay sharp in old age"), ("work in a garden", "feel less stress"), ("drink less coffee", "sleep longer"), ("cycle to work", "live longer"), ("have a dog", "move more")]);
        return Compose(
            "science",
            Pick($"People who {habit} {effect}, researchers at the University of {university} have found.", $"A study from the University of {university} shows that people who {habit} {effect}."),
            [Pick($"The team followed {subjects} people over {years} years.", $"For {years} years the team studied {subjects} people.")],
            [
                $"The effect was {percent} percent on average.", $"\"We were surprised by how clear the result is,\" said {leader}, who led the work.", $"The study was published in {journal}.",
                "Other experts said that more research is needed.", "The researchers asked about health, food and work.", $"Older people gained most, above all those over {random.Next(5, 8) * 10}.",
                "The state paid for the study.", "A second study is planned for next year.",
            ],
            Pick($"Researchers at the University of {university} found that people who {habit} {effect}. They followed {subjects} people over {years} years.",
                $"A study of {subjects} people over {years} years at the University of {university} shows that people who {habit} {effect}."),
            [university, habit, effect, $"{subjects}", $"{years}"]);
    }

    private (string, string, string, string[]) Fundraiser()
    {
        string place = Place(), who = Person(), day = Pick(Days);
        int amount = random.Next(8, 950) * 100, age = random.Next(8, 80);
        string deed = Pick("running a marathon", "selling cakes", "cycling across the country", "washing cars", "swimming across the lake", "singing in the street", "climbing a mountain");
        string cause = Pick("a children's hospital", "an animal shelter", "the fire service", "a school for the blind", "the local museum", "a food bank", "the village church");
        return Compose(
            "fundraiser",
            Pick($"{who}, {age}, from {place} has raised {amount} dollars for {cause}.", $"A great result for {cause}: {who}, {age}, from {place} has raised {amount} dollars."),
            [Pick($"{who} collected the money by {deed}.", $"The money came together by {deed}.")],
            [
                $"The sum was handed over on {day}.", "\"I only wanted to help,\" was all that the fundraiser had to say.", $"More than {random.Next(3, 60) * 10} people gave money.",
                "Friends and neighbours helped as well.", $"A company from {Place()} doubled the sum at the end.", "It took half a year to prepare.", "The money will be used for new rooms.",
                $"The next event is planned for {Pick(Months)}.",
            ],
            Pick($"{who} from {place} raised {amount} dollars for {cause} by {deed}.", $"{who}, {age}, from {place} has raised {amount} dollars for {cause} by {deed}."),
            [who, place, $"{amount}", cause, deed]);
    }

    private (string, string, string, string[]) Theft()
    {
        string place = Place(), street = Name(Surnames, SurnameStems, SurnameEnds) + " Street", day = Pick(Days), officer = Person();
        string thing = Pick("a bicycle", "two paintings", "a gold watch", "a violin", "six laptops", "a car", "a statue", "old coins", "a camera"), from = Pick("a shop", "a house", "a museum", "a school", "an office");
        int worth = random.Next(3, 400) * 100, age = random.Next(18, 70);
        return Compose(
            "theft",
            Pick($"The police in {place} are looking for a man who stole {thing} from {from} on {day}.", $"A thief took {thing} from {from} in {place} on {day}."),
            [Pick($"What was stolen is worth {worth} dollars.", $"The loss is put at {worth} dollars."), Pick($"It happened in {street}.", $"The building is in {street}.")],
            [
                $"The man is about {age} years old.", "He wore a red jacket and a dark hat.", $"\"He was gone within a minute,\" said {officer}, who saw what happened.", "Nobody was hurt.",
                "Anyone who knows something is asked to call the police.", $"It was the {Pick("second", "third", "fourth")} theft there this year.", $"He fled in the direction of {Place()}.", "A camera filmed the thief.",
            ],
            Pick($"A thief stole {thing} worth {worth} dollars from {from} in {street} in {place} on {day}.", $"The police in {place} are looking for a man who stole {thing} from {from} in {street} on {day}. The loss is {worth} dollars."),
            [thing, $"{worth}", from, street, place, day]);
    }

    private (string, string, string, string[]) Festival()
    {
        string place = Place(), guest = Person(), month = Pick(Months), what = Pick("film festival", "book fair", "street festival", "food market", "jazz festival", "flower show", "science fair", "theatre festival");
        int visitors = random.Next(5, 300) * 100, days = random.Next(2, 12);
        return Compose(
            "festival",
            Pick($"The {what} in {place} ended with a record on {Pick(Days)}.", $"Organisers of the {what} in {place} are happy.", $"The {what} in {place} is over."),
            [Pick($"{visitors} visitors came in {days} days.", $"In {days} days, {visitors} people came."), Pick($"Next year it will take place in {month}.", $"The next one will be in {month}.")],
            [
                $"The best known guest was {guest}.", $"More than {random.Next(2, 30) * 10} artists took part.", "The weather was good on most days.", "Hotels in the town were full.",
                $"A ticket was {random.Next(3, 40)} dollars.", $"Some visitors came from as far as {Place()}.", "Neighbours had complained about the noise.", "Children got in free of charge.",
            ],
            Pick($"{visitors} people came to the {what} in {place} in {days} days. The next one will be in {month}.", $"The {what} in {place} had {visitors} visitors in {days} days, and next year it will take place in {month}."),
            [$"{visitors}", what, place, $"{days}", month]);
    }

    // The lead first, then what the summary needs and some of the rest in any order.
    private (string, string, string, string[]) Compose(string kind, string lead, string[] needed, string[] extra, string summary, string[] facts)
    {
        random.Shuffle(extra);
        string[] body = [.. needed, .. extra[..random.Next(2, Math.Min(6, extra.Length))]];
        random.Shuffle(body);
        return (kind, lead + " " + string.Join(' ', body), summary, [.. facts.Where(f => summary.Contains(f, StringComparison.OrdinalIgnoreCase))]);
    }

    private string Person() => Pick(FirstNames) + " " + Name(Surnames, SurnameStems, SurnameEnds);

    private string Place() => Name(Places, PlaceStems, PlaceEnds);

    private string Team() => Place() + " " + Pick(TeamEnds);

    private string Name(string[] known, string[] stems, string[] ends)
    {
        while (true)
        {
            string name = random.Next(10) switch
            {
                < 3 => Pick(known),
                < 6 => Pick(stems) + Pick(ends),
                _ => Invented(),
            };
            int hash = 0;
            foreach (char c in name)
                hash = unchecked((hash * 31) + c);
            if (((hash & int.MaxValue) % 10 == 0) == heldOut)
                return name;
        }
    }

    private string Invented()
    {
        string name = "";
        for (int syllables = random.Next(2, 4); syllables > 0; syllables--)
            name += Pick(Onsets) + Pick(Vowels) + (syllables == 1 || random.Next(3) == 0 ? Pick(Codas) : "");
        return Capital(name);
    }

    private T Pick<T>(params ReadOnlySpan<T> of) => of[random.Next(of.Length)];

    private static string Fill(string template, int value) => string.Format(CultureInfo.InvariantCulture, template, value);

    private static string Lower(string text) => char.ToLowerInvariant(text[0]) + text[1..];

    private static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];
}
