namespace Triptych.Tokenizers.Templates;

/// <summary>The tokens of a template, as the parser reads them.</summary>
internal sealed class TokenStream(List<Token> tokens)
{
    private int _at;

    public Token Current => tokens[_at];

    public Token Following => tokens[Math.Min(_at + 1, tokens.Count - 1)];

    public Token Next()
    {
        Token token = Current;
        if (_at + 1 < tokens.Count)
            _at++;
        return token;
    }

    public bool Skip(TokenKind kind)
    {
        bool found = Current.Kind == kind;
        if (found)
            Next();
        return found;
    }

    public bool SkipName(string name)
    {
        bool found = Current.IsName(name);
        if (found)
            Next();
        return found;
    }

    public Token Expect(TokenKind kind)
    {
        if (Current.Kind != kind)
            throw Fail(Token.Describe(kind));
        return Next();
    }

    public void ExpectName(string name)
    {
        if (!SkipName(name))
            throw Fail(name);
    }

    private TemplateError Fail(string expected) => Current.Kind == TokenKind.EndOfTemplate
        ? new TemplateError($"unexpected end of template, expected '{expected}'.", Current.Position)
        : new TemplateError($"expected token '{expected}', got '{Current.Describe()}'", Current.Position);
}
