using System.Numerics;

namespace Triptych.Tokenizers.Templates;

/// <summary>The methods and properties of values.</summary>
internal static class Members
{
    private static readonly Dictionary<string, Builtin> DictMethods = Table(
        ("keys", "/", (_, self, _) => new DictView((DictValue)self!, DictViewKind.Keys)),
        ("values", "/", (_, self, _) => new DictView((DictValue)self!, DictViewKind.Values)),
        ("items", "/", (_, self, _) => new DictView((DictValue)self!, DictViewKind.Items)),
        ("get", "/; key; default=None", (_, self, a) => ((DictValue)self!).TryGet(a[0], out object? value) ? value : a[1]),
        ("copy", "/", (state, self, _) => Globals.CopyOf(state, (DictValue)self!)));

    private static readonly Dictionary<string, Builtin> ListMethods = Table(
        ("count", "/; value", (state, self, a) => CountOf(state, self, a[0])),
        ("index", "/; value; start=0; stop=9223372036854775807", IndexOf),
        ("copy", "/", (state, self, _) => Iteration.ToList(state, self)));

    private static readonly Dictionary<string, Builtin> TupleMethods = Table(
        ("count", "/; value", (state, self, a) => CountOf(state, self, a[0])),
        ("index", "/; value; start=0; stop=9223372036854775807", IndexOf));

    private static readonly Dictionary<string, Builtin> IntegerMethods = Table(
        ("bit_length", "/", (_, self, _) => Numbers.Box(BigInteger.Abs(Numbers.ToBig(self!)).GetBitLength())),
        ("bit_count", "/", (_, self, _) => Numbers.Box(BigInteger.PopCount(BigInteger.Abs(Numbers.ToBig(self!))))),
        ("conjugate", "/", (_, self, _) => Arithmetic.Plus(self)),
        ("is_integer", "/", (_, _, _) => Numbers.True));

    private static readonly Dictionary<string, Builtin> FloatMethods = Table(
        ("is_integer", "/", (_, self, _) => Numbers.Box(Numbers.AsInteger((double)self!) is not null)),
        ("conjugate", "/", (_, self, _) => self));

    private static readonly Dictionary<string, Builtin> LoopMethods = Table(
        ("cycle", "*", (_, self, a) => ((LoopValue)self!).Cycle(((TupleValue)a[0]!).Items)),
        ("changed", "*", (_, self, a) => Numbers.Box(((LoopValue)self!).Changed((TupleValue)a[0]!))));

    private static readonly Dictionary<string, Builtin> CyclerMethods = Table(
        ("next", "/", (_, self, _) => ((CyclerValue)self!).Next()),
        ("reset", "/", (_, self, _) =>
        {
            ((CyclerValue)self!).Reset();
            return null;
        }));

    public static Builtin? FindMethod(object? owner, string name)
    {
        Dictionary<string, Builtin>? table = owner switch
        {
            string => StringMethods.Table,
            DictValue => DictMethods,
            ListValue => ListMethods,
            TupleValue or RangeValue => TupleMethods,
            MarkupValue => MarkupMethods.Table,
            long or bool or BigInteger => IntegerMethods,
            double => FloatMethods,
            LoopValue => LoopMethods,
            CyclerValue => CyclerMethods,
            _ => null,
        };
        return table?.GetValueOrDefault(name);
    }

    /// <summary>Whether a method would change a value, which the sandbox does not allow.</summary>
    public static bool IsMutator(object? owner, string name) => owner switch
    {
        DictValue => name is "clear" or "pop" or "popitem" or "setdefault" or "update",
        ListValue => name is "append" or "clear" or "pop" or "reverse" or "insert" or "sort" or "extend" or "remove",
        _ => false,
    };

    public static bool TryProperty(object? owner, string name, out object? value)
    {
        (bool found, value) = owner switch
        {
            LoopValue loop => loop.Property(name),
            MacroValue macro => macro.Property(name),
            GroupValue group when name is "grouper" or "list" => (true, group.Items[name == "grouper" ? 0 : 1]),
            CyclerValue cycler => name switch
            {
                "current" => (true, cycler.Current),
                "items" => (true, new TupleValue(cycler.Items)),
                "pos" => (true, Numbers.Box(cycler.At)),
                _ => (false, null),
            },
            JoinerValue joiner when name is "sep" or "used" =>
                (true, name == "sep" ? joiner.Separator : Numbers.Box(joiner.IsUsed)),
            RangeValue range when name is "start" or "stop" or "step" =>
                (true, Numbers.Box(name == "start" ? range.Start : name == "stop" ? range.Stop : range.Step)),
            long or bool or BigInteger or double => NumberProperty(owner, name),
            BlocksValue blocks => blocks.Property(name),
            _ => (false, null),
        };
        return found;
    }

    private static (bool Found, object? Value) NumberProperty(object owner, string name) => name switch
    {
        "real" => (true, Arithmetic.Plus(owner)),
        "imag" => (true, owner is double ? 0.0 : Numbers.Box(0L)),
        "numerator" when owner is not double => (true, Arithmetic.Plus(owner)),
        "denominator" when owner is not double => (true, Numbers.Box(1L)),
        _ => (false, null),
    };

    private static object CountOf(RenderState state, object? self, object? value)
    {
        long count = 0;
        foreach (object? item in Iteration.Items(state, self))
            count += Comparison.AreEqual(item, value) ? 1 : 0;
        return Numbers.Box(count);
    }

    private static object IndexOf(RenderState state, object? self, object?[] arguments)
    {
        object?[] items = Iteration.ToArray(state, self);
        (int start, int end) = StringMethods.Range(arguments[1], arguments[2], items.Length);
        for (int i = start; i < end; i++)
        {
            state.Step();
            if (Comparison.AreEqual(items[i], arguments[0]))
                return Numbers.Box((long)i);
        }

        throw new TemplateError($"the value is not in the {PythonTypes.NameOf(self)}");
    }

    public static Dictionary<string, Builtin> Table(params (string Name, string Signature, BuiltinBody Body)[] methods)
    {
        var table = new Dictionary<string, Builtin>(StringComparer.Ordinal);
        foreach ((string name, string signature, BuiltinBody body) in methods)
            table.Add(name, new Builtin(name, signature, body));
        return table;
    }
}
