using System.Text.Json.Nodes;
using Triptych.TestSupport;
using Triptych.Tokenizers.Templates;

namespace Triptych.Tokenizers.Tests;

/// <summary>Chat templates that come with a tokenizer: where they lie, which is chosen, and what a model gets.</summary>
public sealed class TemplatesTokenizerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("triptych").FullName;

    private static readonly ChatMessage[] Chat = [new("user", "hi"), new("assistant", "yes"), new("user", "so")];

    public TemplatesTokenizerTests() => File.Copy(Fixtures.Path("tokenizers/llama2.json"), Path.Combine(_folder, "tokenizer.json"));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void ConfigsTemplateIsRenderedWithSpecialTokens()
    {
        Write("tokenizer_config.json", """{"bos_token":"<s>","image_token":{"content":"<img>"},"extra_special_tokens":{"boi_token":"<boi>"},"chat_template":"{{ bos_token }}{{ image_token }}{{ boi_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }}{% endfor %}{% if add_generation_prompt %}>{% endif %}{{ extra }}"}""");
        Tokenizer tokenizer = Tokenizer.Load(_folder);
        Assert.Equal("<s><img><boi>[user] hi[assistant] yes[user] so", tokenizer.ApplyChatTemplate(Chat));
        var options = new ChatOptions { AddGenerationPrompt = true, Variables = new Dictionary<string, object?> { ["extra"] = 5, ["bos_token"] = "B" } };
        Assert.Equal("B<img><boi>[user] hi[assistant] yes[user] so>5", tokenizer.ApplyChatTemplate(Chat, options));
        Assert.Equal("{'role': 'user', 'content': 'hi', 'n': 1}", tokenizer.ApplyChatTemplate(
            [new ChatMessage("user", "hi") { Fields = new Dictionary<string, object?> { ["n"] = 1 } }], new ChatOptions { ChatTemplate = "{{ messages[0] }}" }));
    }

    [Fact]
    public void EncodingHasNoSecondBos()
    {
        Write("tokenizer_config.json", """{"bos_token":"<s>","chat_template":"{{ bos_token }}{{ messages[0].content }}"}""");
        Tokenizer tokenizer = Tokenizer.Load(_folder);
        Encoding encoding = tokenizer.EncodeChat(Chat);
        Assert.Equal(tokenizer.Encode("<s>hi", addSpecialTokens: false).Ids, encoding.Ids);
        Assert.Equal(1, encoding.Ids.Count(id => id == tokenizer.BosTokenId));
        Assert.Equal(2, tokenizer.EncodeChat(Chat, encodeOptions: new EncodeOptions { Truncation = new Truncation(2) }).Length);
    }

    [Fact]
    public void AssistantMaskCoversGenerationBlocks()
    {
        Write("tokenizer_config.json", """{"chat_template":"{% for m in messages %}{% if m.role == 'assistant' %}A:{% generation %}{{ m.content }}{% endgeneration %}{% else %}U:{{ m.content }}{% endif %}|{% endfor %}"}""");
        Tokenizer tokenizer = Tokenizer.Load(_folder);
        ChatEncoding chat = tokenizer.EncodeChatWithAssistantMask(Chat);
        Assert.Equal("U:hi|A:yes|U:so|", chat.Text);
        string said = string.Concat(chat.Encoding.Offsets.Zip(chat.AssistantMask).Where(pair => pair.Second == 1)
            .Select(pair => chat.Text[pair.First.Start..pair.First.End]));
        Assert.Equal("yes", said);
        Assert.Equal(chat.Encoding.Length, chat.AssistantMask.Length);
        Assert.All(tokenizer.EncodeChatWithAssistantMask([Chat[0]]).AssistantMask, one => Assert.Equal(0, one));
        Assert.Throws<ArgumentException>(() => tokenizer.EncodeChatWithAssistantMask(Chat, new ChatOptions { ContinueFinalMessage = "content" }));
    }

    [Fact]
    public void NamedTemplatesAreChosen()
    {
        Write("tokenizer_config.json", """{"chat_template":[{"name":"default","template":"D"},{"name":"tool_use","template":"T"},{"name":"rag","template":"R"}]}""");
        Tokenizer tokenizer = Tokenizer.Load(_folder);
        Assert.Equal("D", tokenizer.ApplyChatTemplate(Chat));
        Assert.Equal("T", tokenizer.ApplyChatTemplate(Chat, new ChatOptions { Tools = [new JsonObject()] }));
        Assert.Equal("R", tokenizer.ApplyChatTemplate(Chat, new ChatOptions { ChatTemplate = "rag" }));
        Assert.Equal("own", tokenizer.ApplyChatTemplate(Chat, new ChatOptions { ChatTemplate = "own" }));
        Assert.Equal(["default", "rag", "tool_use"], tokenizer.ChatTemplates.Keys);
        Write("tokenizer_config.json", """{"chat_template":[{"name":"b","template":"B"},{"name":"a","template":"A"}]}""");
        Assert.Contains("a, b", Assert.Throws<InvalidOperationException>(() => Tokenizer.Load(_folder).ApplyChatTemplate(Chat)).Message);
    }

    [Fact]
    public void FilesComeBeforeTheConfigAndAreSaved()
    {
        Write("tokenizer_config.json", """{"chat_template":"config"}""");
        Write("chat_template.jinja", "file\r\n{{ 1 }}");
        Assert.Equal("file\n1", Tokenizer.Load(_folder).ApplyChatTemplate(Chat));
        Directory.CreateDirectory(Path.Combine(_folder, "additional_chat_templates"));
        Write("additional_chat_templates/rag.jinja", "rag {{ x }");
        Tokenizer tokenizer = Tokenizer.Load(_folder);
        TokenizerException error = Assert.Throws<TokenizerException>(() => tokenizer.ApplyChatTemplate(Chat, new ChatOptions { ChatTemplate = "rag" }));
        Assert.Equal(Path.Combine(_folder, "additional_chat_templates", "rag.jinja"), error.Path);
        string copy = Path.Combine(_folder, "copy");
        tokenizer.Save(copy);
        Assert.Equal(tokenizer.ChatTemplates, Tokenizer.Load(copy).ChatTemplates);
    }

    [Fact]
    public void MissingAndBrokenTemplatesAreErrors()
    {
        Assert.Contains("without a chat template", Assert.Throws<InvalidOperationException>(() => Tokenizer.Load(_folder).ApplyChatTemplate(Chat)).Message);
        foreach (string config in (string[])["""{"chat_template":5}""", """{"chat_template":["x"]}""", """{"chat_template":[{"name":"a"}]}""", """{"chat_template":"\ud800"}"""])
        {
            Write("tokenizer_config.json", config);
            Assert.Contains("chat_template", Assert.Throws<TokenizerException>(() => Tokenizer.Load(_folder)).Message);
        }

        Write("tokenizer_config.json", "{}");
        File.WriteAllBytes(Path.Combine(_folder, "chat_template.jinja"), [0xFF]);
        Assert.Contains("invalid UTF-8", Assert.Throws<TokenizerException>(() => Tokenizer.Load(_folder)).Message);
    }

    [Fact]
    public void OptionsThatContradictEachOtherAreRefused()
    {
        ChatTemplate template = ChatTemplate.Parse("{{ messages[-1].content }}");
        Assert.Throws<ArgumentException>(() => template.RenderChat(Chat, new ChatOptions { ContinueFinalMessage = "content", AddGenerationPrompt = true }));
        Assert.Throws<ArgumentException>(() => template.RenderChat([], new ChatOptions { ContinueFinalMessage = "content" }));
        Assert.Throws<ArgumentException>(() => template.RenderChat(Chat, new ChatOptions { ContinueFinalMessage = "thoughts" }));
        Assert.Throws<ArgumentException>(() => template.RenderChat(Chat, new ChatOptions { Tools = ["tool"] }));
        Assert.Throws<ArgumentException>(() => template.RenderChat(Chat, new ChatOptions { Documents = [1] }));
        Assert.Throws<ArgumentException>(() => template.RenderChat(Chat, new ChatOptions { Variables = new Dictionary<string, object?> { ["messages"] = 1 } }));
        Assert.Equal("so", template.RenderChat(Chat, new ChatOptions { ContinueFinalMessage = "content" }).Text);
    }

    [Fact]
    public void TimeIsThatOfTheClock()
    {
        ChatTemplate template = ChatTemplate.Parse("{{ strftime_now('%d %b %Y|%A %H:%M:%S|%-d/%m/%y|%j %U %W %V %%|%I %p') }}");
        Assert.Equal("07 Mar 2026|Saturday 09:05:03|7/03/26|066 09 09 10 %|09 AM", template.Render(
            new Dictionary<string, object?>(), time: new FixedTime()));
    }

    private void Write(string name, string content) => File.WriteAllText(Path.Combine(_folder, name), content);

    private sealed class FixedTime : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => new(2026, 3, 7, 9, 5, 3, TimeSpan.Zero);
    }
}
