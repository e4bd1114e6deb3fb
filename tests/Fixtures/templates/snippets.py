P = {"people": [{"name": "Ann", "age": 31, "tags": ["x", "y"]}, {"name": "bob", "age": 7, "tags": []}, {"name": "Cy", "age": 31, "tags": ["y"]}],
     "d": {"b": 1, "a": {"k": [1, 2.5, None, True]}, "c": "é<&>'\"", "items": 5, "n": None}, "s": "Hello, Wörld 🙂!", "e": "", "big": 12345678901234567890123, "f": 1.5e300, "neg": -0.0,
     "l": [3, 1, 2], "nest": [[1, [2, [3]]], {"x": {"y": [1]}}], "t": True, "n": None, "i": 7, "text": "line one\nline two\n\n  line three\n"}
E = r'''
{{ 5[1:2] }}|{{ 5[1] }}
{{ s[0] }}{{ s[-1] }}{{ s[-2] }}{{ s[14] }}|{{ s[100] }}|{{ s[::-1] }}|{{ s[2:-2] }}|{{ s[::3] }}|{{ s|length }}
{{ l[::-1] }} {{ l[5:] }} {{ l[-100:100] }} {{ l[2::-1] }} {{ l[::-2] }} {{ l[:0:-1] }}
{{ l[::0] }}
{{ l['a'] }}|{{ l[1.0] }}|{{ l[true] }}|{{ d[none] }}|{{ d[[1]] }}
{{ (1,2,3)[1:] }} {{ (1,2,3)[0] }} {{ range(10)[2:5] }} {{ range(10)[3] }} {{ range(10)[-1] }} {{ range(10)[20] }}|
{{ range(0, 10, 3)|list }} {{ range(10, 0, -3)|list }} {{ range(5)|length }} {{ 3 in range(5) }} {{ 7 in range(0,10,2) }} {{ range(3) == range(0,3) }}
{{ range(1,2,0) }}
{{ range('a') }}
{{ range() }}
{{ range(1.5) }}
{{ range(100000)|length }} {{ range(100001)|length }}
{{ d.items }}
{{ d['items'] }} {{ d.b }} {{ d.keys()|list }} {{ d.get('zz') }} {{ d.get('b', 3) }} {{ d.get('q', default=3) }}
{{ d.keys() }} {{ d.values() }} {{ dict(a=1).items() }}
{{ d.pop('b') }}
{{ d.pop }}|{{ d.update is defined }}|{{ d.clear is callable }}
{{ d.setdefault('x', 1) }}
{{ l.append(1) }}
{{ l.sort() }}
{{ l.count(1) }} {{ l.index(2) }} {{ (1,1,2).count(1) }} {{ l.copy() }}
{{ l.index(99) }}
{{ l.foo }}|{{ l.foo is undefined }}
{{ l.foo.bar }}
{{ s.foo }}|{{ i.foo }}|{{ n.foo }}|{{ t.foo }}
{{ n.foo.bar }}
{{ n[0] }}|{{ n['a'] }}
{{ i.real }} {{ i.bit_length() }} {{ 1.5.is_integer() }} {{ 2.0.is_integer() }} {{ i.numerator }} {{ i.denominator }} {{ 1.5.real }}
{{ ''.__class__ }}|{{ [].__class__ }}|{{ {}.__len__ }}|{{ s.__add__ }}
{{ ''.__class__.__mro__ }}
{{ s._private }}|{{ d._private }}|{{ d['_x'] }}
{{ namespace(a=1) }} {{ namespace(a=1).a }} {{ namespace({'x': 1}, y=2).x }} {{ namespace().zz is defined }}
{% set ns = namespace(_a=1) %}{{ ns._a }}|
{% set ns = namespace() %}{% set ns._b = 2 %}{{ ns['_b'] }}
{% set ns = namespace() %}{% set ns.self = ns %}{{ ns }}
{% set ns = namespace() %}{% set ns.a, ns.b = 1, 2 %}{{ ns.a + ns.b }}
{% set ns.a = 1 %}
{% set ns = namespace() %}{% for x in [1,2] %}{% set ns.x = x %}{% set ns = 5 %}{% endfor %}{{ ns.x }}
{{ dict([('a', 1), ('b', 2)], c=3) }} {{ dict({'a': 1}) }} {{ dict() }}
{{ dict(1) }}
{{ dict([1]) }}
{{ dict({'a':1}, {'b':2}) }}
{{ 1 == 1.0 }} {{ {1: 'a', 1.0: 'b', true: 'c'} }} {{ {'a': 1, 'a': 2} }} {{ (1, 'a') == (1, 'a') }} {{ [1] == (1,) }}
{{ {[1]: 2} }}
{{ {(1, 2): 3}[(1, 2)] }} {{ {none: 1}[none] }} {{ {1: 'x'}[1.0] }} {{ {1: 'x'}[true] }}
{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 3 > 2 >= 2 != 1 }} {{ 'a' < 'B' }} {{ [1, 2] < [1, 3] }} {{ (1,) < (1, 0) }} {{ true < 2 }} {{ 1.5 < 2 }}
{{ [1] < (2,) }}
{{ none < 1 }}
{{ {} < {} }}
{{ [1, 'a'] < [1, 2] }}
{{ 'b' in 'abc' }} {{ '' in 'abc' }} {{ 'ab' in ['ab'] }} {{ 1 in {1: 2} }} {{ 'a' in undefined_x }} {{ 2 not in [1] }} {{ none in [none] }}
{{ 1 in 'abc' }}
{{ none in 'abc' }}
{{ undefined_x in 'abc' }}
{{ 1 in 5 }}
{{ [1] in {1: 2} }}
{{ 7 // 2 }} {{ -7 // 2 }} {{ 7 // -2 }} {{ 7.5 // 2 }} {{ -7.5 // 2 }} {{ 7 % -3 }} {{ -7 % 3 }} {{ 7.5 % 2 }} {{ -7.5 % 2 }} {{ 5 % 2.5 }} {{ -1 // 3.0 }} {{ 0.0 // 1 }}
{{ 1 / 3 }} {{ 6 / 3 }} {{ 2 ** 0.5 }} {{ 2 ** -2 }} {{ (-2) ** 2 }} {{ -2 ** 2 }} {{ 2 ** 3 ** 2 }} {{ 0 ** 0 }} {{ 10 ** 20 }} {{ 2.0 ** 3 }} {{ true + 1 }} {{ true * 3 }} {{ -true }} {{ +true }} {{ not 1 }}
{{ 1 // 0 }}
{{ 1 % 0 }}
{{ 1.0 / 0 }}
{{ 1.0 // 0 }}
{{ 0 ** -1 }}
{{ 10 ** 400 * 1.0 }}
{{ 9223372036854775807 + 1 }} {{ 9223372036854775807 * 2 }} {{ -9223372036854775808 - 1 }} {{ -(-9223372036854775808) }} {{ big + 1 }} {{ big * big }} {{ big // 7 }} {{ big % 7 }} {{ big - big }} {{ big > 1 }} {{ big == big }} {{ big / 1 }}
{{ 'a' * -1 }}|{{ [1] * 2 }} {{ 2 * 'ab' }} {{ (1,) * 3 }} {{ 'ab' * true }} {{ 'a' * 0 }}|
{{ 'a' * 1.5 }}
{{ 'a' * 'b' }}
{{ 'a' - 'b' }}
{{ [1] + (2,) }}
{{ {} + {} }}
{{ 1 + 'a' }}
{{ 'a' + none }}
{{ none + 1 }}
{{ undefined_x + 1 }}
{{ 1 + undefined_x }}
{{ 'a' + undefined_x }}
{{ 'a' * undefined_x }}
{{ -undefined_x }}
{{ undefined_x < 1 }}
{{ 1 > undefined_x }}
{{ undefined_x == undefined_y }} {{ undefined_x == none }} {{ undefined_x != 1 }} {{ [undefined_x] }} {{ undefined_x ~ 'a' }} {{ 'a' if undefined_x else 'b' }} {{ not undefined_x }}
{{ undefined_x() }}
{{ undefined_x.a }}
{{ undefined_x['a'] }}
{{ undefined_x[1:] }}
{{ undefined_x | length }} {{ undefined_x | list }} {{ undefined_x | join }}| {{ undefined_x | first is defined }} {{ undefined_x | upper }}| {{ undefined_x|string }}| {{ undefined_x | sum }} {{ undefined_x|sort }} {{ undefined_x|last is undefined }} {{ undefined_x|reverse|list }} {{ undefined_x|trim }}|{{ undefined_x|replace('a','b') }}|{{ undefined_x|truncate }}|{{ undefined_x|wordcount }}|{{ undefined_x|batch(2)|list }}|{{ undefined_x|slice(2)|list }}|{{ undefined_x|unique|list }}|{{ undefined_x|groupby('a') }}|{{ undefined_x|map('upper')|list }}|{{ undefined_x|select|list }}|{{ undefined_x|escape }}|{{ undefined_x|urlencode }}|{{ undefined_x|title }}|{{ undefined_x|items|list }}|{{ undefined_x|pprint }}|{{ undefined_x|max is undefined }}
{{ undefined_x | abs }}
{{ undefined_x | round }}
{{ undefined_x | int }}
{{ undefined_x | float }}
{{ undefined_x | indent }}
{{ undefined_x | dictsort }}
{{ undefined_x | tojson }}
{{ undefined_x | wordwrap }}
{{ undefined_x | attr('x') }}
{{ undefined_x | filesizeformat }}
{{ undefined_x | xmlattr }}
{{ undefined_x | format('a') }}
{{ undefined_x is callable }} {{ undefined_x is iterable }} {{ undefined_x is sequence }} {{ undefined_x is string }} {{ undefined_x is none }} {{ undefined_x is mapping }} {{ undefined_x is number }} {{ undefined_x is false }} {{ undefined_x is lower }} {{ undefined_x is sameas none }} {{ undefined_x is in [1] }} {{ undefined_x is eq undefined_y }}
{{ undefined_x is odd }}
{{ undefined_x is filter }}
{{ 'upper' is filter }} {{ 'tojson' is filter }} {{ 'nope' is filter }} {{ 'defined' is test }} {{ '==' is test }} {{ 'x' is test }} {{ none is filter }} {{ 1 is test }}
{{ [] is filter }}
{{ 1 is odd }} {{ 2.0 is even }} {{ 2.5 is odd }} {{ true is odd }} {{ 10 is divisibleby 5 }} {{ 10 is divisibleby(num=3) }}
{{ 'a' is odd }}
{{ none is even }}
{{ '%d' is even }}
{{ 1 is number }} {{ 1.0 is number }} {{ true is number }} {{ 'a' is number }} {{ 1 is integer }} {{ true is integer }} {{ 1.0 is integer }} {{ 1.0 is float }} {{ big is integer }}
{{ [] is iterable }} {{ {} is iterable }} {{ 'a' is iterable }} {{ 1 is iterable }} {{ range(2) is iterable }} {{ d.items() is iterable }} {{ d.items() is sequence }} {{ (l|map('string')) is iterable }} {{ (l|map('string')) is sequence }} {{ range(2) is sequence }} {{ namespace() is iterable }} {{ namespace() is mapping }} {{ cycler(1) is callable }} {{ joiner() is callable }} {{ dict is callable }} {{ none is callable }} {{ 'a'.upper is callable }}
{{ 'A' is upper }} {{ 'a1' is lower }} {{ '1' is lower }} {{ 'Ab' is upper }} {{ none is upper }} {{ 'ǅ' is lower }} {{ 'ª' is lower }} {{ 'Ⅷ' is upper }}
{{ 1 is sameas 1 }} {{ true is sameas true }} {{ true is sameas 1 }} {{ none is sameas none }} {{ d is sameas d }} {{ [] is sameas [] }} {{ l is sameas l }} {{ s is sameas s }}
{{ 1 is eq 1.0 }} {{ 1 is == 1 }}
{{ 1 is lt 2 }} {{ 1 is lessthan 2 }} {{ 1 is le 1 }} {{ 2 is gt 1 }} {{ 2 is greaterthan 1 }} {{ 2 is ge 3 }} {{ 2 is ne 3 }} {{ 1 is in (1,2) }} {{ 'x' is not in 'xyz' }}
{{ 1 is lt 'a' }}
{{ 1 is divisibleby 0 }}
{{ 1 is defined if true else 2 }}
{{ x is defined and y is defined or 'z' is defined }}
{{ 1 is number is number }}
{{ 'a' is string and 'b' }} {{ not 'a' is string }} {{ 3 is odd == true }}
{{ 5 is not odd }} {{ 5 is not even }} {{ [1] is not none }}
{{ 1 is nosuch }}
{% if false %}{{ 1 is nosuch }}{{ 1|nosuch }}{% endif %}ok
{% if true %}{{ 1|nosuch }}{% endif %}
{{ 1|nosuch if false else 'fine' }}
{% if false %}{% for x in [1] %}{{ x|nosuch }}{% endfor %}{% endif %}ok
{{ 'a'|nosuch.other }}
{{ l|sort }} {{ l|sort(true) }} {{ ['b','A','a','B']|sort }} {{ ['b','A','a','B']|sort(case_sensitive=true) }} {{ people|sort(attribute='age')|map(attribute='name')|list }} {{ people|sort(attribute='age,name', reverse=true)|map(attribute='name')|list }} {{ 'hello'|sort }} {{ d|sort }} {{ [(1,'b'),(1,'a')]|sort }}
{{ [1,'a']|sort }}
{{ [none, 1]|sort }}
{{ [1.5, 1, true]|sort }} {{ [[2],[1]]|sort }} {{ [true, false]|sort }}
{{ people|map(attribute='tags')|map('first')|list }} {{ people|map(attribute='tags.0', default='?')|list }} {{ people|map('attr','name')|list }} {{ people|map(attribute='nope')|list }}
{{ people|map(attribute='name.x.y')|list }}
{{ l|map('nosuch')|list }}
{{ l|map }}|{{ l|map|list }}
{{ l|map('round', 1)|list }} {{ ['a','b']|map('upper')|join('-') }} {{ ['1','2','x']|map('int', 5)|list }} {{ ['a']|map('replace','a','b')|list }} {{ l|map(attribute=0)|list }} {{ [[1,2],[3,4]]|map(attribute=1)|list }} {{ [[1,2],[3,4]]|map('last')|list }} {{ [[1],[2]]|map('length')|sum }}
{{ l|map(attribute='x', foo=1)|list }}
{{ l|select('odd')|list }} {{ l|reject('odd')|list }} {{ l|select('gt', 1)|list }} {{ l|select('in', [1,2])|list }} {{ [0,1,none,'']|reject|list }} {{ l|select('nosuch') is defined }}
{{ l|select('nosuch')|list }}
{{ people|selectattr('age','eq',31)|map(attribute='name')|list }} {{ people|selectattr('tags')|list|length }} {{ people|rejectattr('age','lt',10)|list|length }} {{ people|selectattr('name','in',['bob'])|first }} {{ people|selectattr('zz','defined')|list }} {{ people|selectattr('zz','undefined')|list|length }} {{ (people|selectattr('age','gt',1000)|list)|length }}
{{ people|selectattr }}|{{ people|selectattr|list }}
{% if people|selectattr('age','gt',1000) %}always true{% endif %}
{% set g = l|map('string') %}{{ g|list }}{{ g|list }}
{{ (l|map('string'))|length }}
{{ (l|map('string'))[0] }}|
{{ (l|map('string'))[0:1] }}
{{ l|map('string') + [1] }}
{{ l|map('string')|last }}
{{ l|map('string')|first }} {{ l|map('string')|reverse|list }} {{ l|map('string')|sort }} {{ l|map('string')|join }} {{ 1 in l|map('int') }} {{ l|map('int')|max }} {{ l|map('int')|sum }} {{ l|map('int')|unique|list }} {{ l|map('int')|batch(2)|list }}
{{ l|reverse|list }} {{ 'abc'|reverse }} {{ {'a':1,'b':2}|reverse|list }} {{ (1,2)|reverse|list }} {{ range(3)|reverse|list }} {{ d.keys()|reverse|list|length }} {{ '🙂a'|reverse }}
{{ 5|reverse }}
{{ l|first }} {{ l|last }} {{ []|first }}| {{ []|last }}| {{ 'abc'|first }} {{ 'abc'|last }} {{ {'a':1}|first }} {{ {'a':1}|last }} {{ range(3)|last }}
{{ 5|last }}
{{ 5|list }}
{{ 5|length }}
{{ none|length }}
{{ none|first }}
{{ none|list }}
{{ none|join }}
{{ none|upper }} {{ none|string }} {{ none|trim }} {{ none|title }} {{ none|replace('o','0') }} {{ none|int }} {{ none|float }} {{ none|default('x') }} {{ none|tojson }} {{ none|capitalize }} {{ 5|upper }} {{ 5|trim }} {{ true|lower }} {{ 1.5|replace('.', ',') }} {{ none|wordcount }} {{ 12|center(6) }}|
{{ none|indent }}
{{ 5|indent }}
{{ none|items|list }}
{{ none|sort }}
{{ none|dictsort }}
{{ l|join }} {{ l|join(', ') }} {{ people|join('; ', attribute='name') }} {{ 'abc'|join('-') }} {{ d|join(',') }} {{ [1,none,true,1.5]|join('|') }} {{ l|join(1) }} {{ l|join(none) }} {{ [undefined_x, 1]|join('-') }}
{{ l|sum }} {{ l|sum(start=10) }} {{ people|sum('age') }} {{ people|sum(attribute='age', start=1.5) }} {{ [[1],[2]]|sum(start=[]) }} {{ []|sum }} {{ [1.5,2]|sum }}
{{ ['a','b']|sum }}
{{ ['a']|sum(start='') }}
{{ l|min }} {{ l|max }} {{ ['b','A']|min }} {{ ['b','A']|min(case_sensitive=true) }} {{ people|max(attribute='age') }} {{ []|max }}| {{ 'hello'|max }} {{ [1,1.0,true]|max }}
{{ [1,'a']|max }}
{{ [1,2,2,1,3]|unique|list }} {{ ['a','A','b']|unique|list }} {{ ['a','A']|unique(true)|list }} {{ people|unique(attribute='age')|map(attribute='name')|list }} {{ [1,1.0,true]|unique|list }}
{{ [[1],[1]]|unique|list }}
{{ [1,2,3,4,5]|batch(2)|list }} {{ [1,2,3]|batch(2,'-')|list }} {{ [1,2,3]|batch(5, 0)|list }} {{ []|batch(2)|list }} {{ [1,2,3]|batch(0)|list }} {{ [1,2]|batch(-1)|list }} {{ [1,2,3]|batch(1.0)|list }}
{{ [1,2,3]|batch('a')|list }}
{{ [1,2,3,4,5]|slice(2)|list }} {{ [1,2,3,4,5]|slice(3,'x')|list }} {{ [1]|slice(3)|list }} {{ []|slice(2)|list }} {{ [1,2]|slice(-1)|list }}
{{ [1]|slice(0)|list }}
{{ people|groupby('age') }} {% for a, g in people|groupby('age') %}{{ a }}{{ g|length }}{% endfor %} {{ (people|groupby('age'))[0].grouper }} {{ (people|groupby('age'))[0].list|length }} {{ people|groupby('zz', default=1)|length }} {{ [{'c':'CA'},{'c':'ca'},{'c':'NY'}]|groupby('c') }} {{ [{'c':'CA'},{'c':'ca'}]|groupby('c', case_sensitive=true)|length }}
{{ people|groupby('zz') }}
{{ [{'a':1},{}]|groupby('a') }}
{{ d|dictsort|length }} {{ {'b':1,'A':2,'c':0}|dictsort }} {{ {'b':1,'A':2,'c':0}|dictsort(true) }} {{ {'b':1,'A':2,'c':0}|dictsort(false,'value') }} {{ {'b':1,'A':2}|dictsort(reverse=true) }}
{{ {'b':1}|dictsort(by='x') }}
{{ {1:1,'a':2}|dictsort }}
{{ [1]|dictsort }}
{{ {'a':1}|items|list }} {% for k, v in d|items %}{{ k }},{% endfor %}
{{ [1]|items|list }}
{{ [1]|items is defined }}
{{ '1'|int }} {{ ' 12 '|int }} {{ '1_000'|int }} {{ '0x1F'|int(0,16) }} {{ '0b11'|int(0,2) }} {{ '0o17'|int(base=8) }} {{ '0x1f'|int(5,0) }} {{ '1f'|int(0,16) }} {{ 'z'|int(0,36) }} {{ '12.9'|int }} {{ '-3.7'|int }} {{ '1e3'|int }} {{ ''|int }} {{ 'abc'|int('d') }} {{ 3.99|int }} {{ -3.99|int }} {{ true|int }} {{ none|int(7) }} {{ [1]|int(8) }} {{ '٣'|int }} {{ '1__0'|int(-1) }} {{ '+5'|int }} {{ '- 5'|int(-1) }} {{ '010'|int }} {{ '010'|int(9,0) }} {{ '99999999999999999999'|int }} {{ 'nan'|int(3) }} {{ 'inf'|int(3) }} {{ '1'|int(0, 1) }} {{ '1'|int(0, 99) }}
{{ (1e999)|int }}
{{ '1.5'|float }} {{ '1e3'|float }} {{ 'nan'|float }} {{ '-inf'|float }} {{ 'Infinity'|float }} {{ 'x'|float }} {{ 'x'|float(none) }} {{ '1_0.5'|float }} {{ ' 2 '|float }} {{ '.5'|float }} {{ '5.'|float }} {{ true|float }} {{ 10|float }} {{ '0x10'|float }} {{ '1e'|float }} {{ '++1'|float }} {{ '1,000'|float }} {{ ''|float(1) }}
{{ 2.5|round }} {{ 3.5|round }} {{ -2.5|round }} {{ 2.675|round(2) }} {{ 1.005|round(2) }} {{ 42|round }} {{ 1234|round(-2) }} {{ 1250|round(-2) }} {{ 1350|round(-2) }} {{ 2.1|round(0,'ceil') }} {{ 2.19|round(1,'floor') }} {{ -2.1|round(method='ceil') }} {{ 1234.5|round(-2,'floor') }} {{ 0.5|round }} {{ 1.5|round }} {{ true|round }} {{ 1e20|round(2) }} {{ 5.015|round(2) }} {{ 1e-10|round(5) }} {{ 2.5|round(none) }}
{{ 2.5|round(1,'bad') }}
{{ 'a'|round }}
{{ 2.5|round('a') }}
{{ -5|abs }} {{ -5.5|abs }} {{ true|abs }} {{ big|abs }}
{{ 'a'|abs }}
{{ 0|filesizeformat }} {{ 1|filesizeformat }} {{ 999|filesizeformat }} {{ 1000|filesizeformat }} {{ 1023|filesizeformat(true) }} {{ 1024|filesizeformat(true) }} {{ 123456789|filesizeformat }} {{ 1e30|filesizeformat }} {{ '13'|filesizeformat }} {{ 1.5|filesizeformat }} {{ -5|filesizeformat }} {{ 1048576|filesizeformat(binary=true) }}
{{ 'x'|filesizeformat }}
{{ 'foo bar baz qux'|truncate(9) }} {{ 'foo bar baz qux'|truncate(9,true) }} {{ 'foo bar baz qux'|truncate(11) }} {{ 'foo bar baz qux'|truncate(11,false,'...',0) }} {{ 'foobarbazqux'|truncate(5,leeway=0) }} {{ 'aa bb'|truncate(3,end='',leeway=0) }} {{ '🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂'|truncate(4,true,'.',0) }}
{{ 'foo'|truncate(1) }}
{{ 'foo'|truncate(10,leeway=-1) }}
{{ 5|truncate }}
{{ text|indent }} {{ text|indent(2) }} {{ text|indent(2,true) }} {{ text|indent(2,true,true) }} {{ text|indent('>>') }} {{ ''|indent }}| {{ 'a\r\nb'|indent }} {{ text|indent(width=1, blank=true) }} {{ text|indent(0) }} {{ text|indent(-1) }} {{ 'a\x0bb\x1cc\u2028d'|indent(1) }}
{{ text|indent(none) }}
{{ text|indent(1.5) }}
{{ 'hello world foo-bar (x) {y} <z>'|title }} {{ "it's o'neil"|title }} {{ "it's o'neil".title() }} {{ 'ǆabc ßx'|title }} {{ 'ǆabc ßx'.title() }} {{ 'HELLO'|capitalize }} {{ 'ǆ'.capitalize() }} {{ 'ßa'.capitalize() }} {{ 'ﬁx'|upper }} {{ 'İ'|lower }} {{ 'ΑΣ ΣΑ Σ'|lower }} {{ 'ΑΣ.'.lower() }} {{ 'straße'.casefold() }} {{ 'aBc'.swapcase() }} {{ 'ŉ'|upper }} {{ 'ı'|upper }} {{ 'ſ'|upper }} {{ 'ΐ'|upper }}
{{ ' a b '|trim }}| {{ 'xxaxx'|trim('x') }} {{ 'abcba'.strip('ab') }} {{ '🙂a🙂'.strip('🙂') }} {{ '\x1fa\x85'.strip() }}| {{ ' a '.lstrip() }}| {{ ' a '.rstrip() }}| {{ 'a'.strip('') }} {{ ' a '.strip(none) }}|
{{ ' a '.strip(1) }}
{{ ' a '.strip(chars=' ') }}
{{ 'a'|trim(chars='a') }}|
{{ 'a,b,,c'.split(',') }} {{ 'a b  c '.split() }} {{ ' a b  c '.split(none, 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ ' a b  c '.rsplit(none, 1) }} {{ 'a,b'.split(',', maxsplit=0) }} {{ 'abc'.split('x') }} {{ ''.split() }} {{ ''.split(',') }} {{ 'a--b--c'.split('--') }} {{ 'aaa'.split('aa') }} {{ 'aaa'.rsplit('aa') }} {{ 'a,b,c'.split(sep=',', maxsplit=1) }} {{ 'a b c'.rsplit() }} {{ 'a,b,c'.split(',', -5) }}
{{ 'a'.split('') }}
{{ 'a'.split(1) }}
{{ 'a'.split(',', 'x') }}
{{ 'a'.split(foo=1) }}
{{ 'a\nb\r\nc\rd\x0be\x0cf\x1cg\x85h\u2028i'.splitlines() }} {{ 'a\nb\n'.splitlines(true) }} {{ ''.splitlines() }} {{ '\n'.splitlines() }} {{ 'a'.splitlines(keepends=true) }}
{{ '-'.join(['a','b']) }} {{ ''.join('abc') }} {{ '-'.join({'a':1,'b':2}) }} {{ '-'.join(l|map('string')) }}
{{ '-'.join([1]) }}
{{ '-'.join(5) }}
{{ '-'.join([undefined_x]) }}
{{ 'aaa'.replace('a','b') }} {{ 'aaa'.replace('a','b',1) }} {{ 'abc'.replace('','-') }} {{ 'abc'.replace('','-',2) }} {{ ''.replace('','x') }} {{ '🙂b'.replace('','-') }} {{ 'aaa'.replace('a','b',count=2) }} {{ 'aaa'.replace('aa','b') }} {{ 'aaa'.replace('a','b',-1) }} {{ 'abc'|replace('','-') }} {{ 'abc'.replace('abc','') }}|{{ ''.replace('','x',0) }}|
{{ 'a'.replace('a') }}
{{ 'a'.replace('a', 1) }}
{{ 'a'.replace(1, 'a') }}
{{ 'abc'.startswith('ab') }} {{ 'abc'.startswith(('x','a')) }} {{ 'abc'.startswith('b',1) }} {{ 'abc'.endswith('bc') }} {{ 'abc'.endswith('b',0,2) }} {{ 'abc'.startswith('') }} {{ 'abc'.startswith('',5) }} {{ 'abc'.endswith('',3) }} {{ 'abc'.endswith('',4) }} {{ 'abc'.startswith(()) }} {{ 'abc'.startswith('c',-1) }}
{{ 'abc'.startswith(1) }}
{{ 'abc'.startswith(['a']) }}
{{ 'abcabc'.find('c') }} {{ 'abcabc'.find('c',3) }} {{ 'abcabc'.rfind('c') }} {{ 'abc'.find('x') }} {{ 'abcabc'.find('a',1,3) }} {{ 'abc'.find('') }} {{ 'abc'.find('',3) }} {{ 'abc'.find('',4) }} {{ 'abc'.rfind('') }} {{ '🙂a🙂a'.find('a') }} {{ '🙂a🙂a'.rfind('a') }} {{ '🙂a🙂a'.find('a',2) }} {{ 'abc'.find('c',-1) }} {{ 'abc'.index('b') }} {{ 'abcb'.rindex('b') }}
{{ 'abc'.index('x') }}
{{ 'aaaa'.count('aa') }} {{ 'abc'.count('') }} {{ 'abc'.count('b',2) }} {{ ''.count('') }} {{ 'abc'.count('',4) }} {{ '🙂🙂'.count('') }}
{{ 'a=b=c'.partition('=') }} {{ 'a=b=c'.rpartition('=') }} {{ 'a'.partition('=') }} {{ 'a'.rpartition('=') }}
{{ 'a'.partition('') }}
{{ 'x'.center(5) }}| {{ 'x'.center(4,'*') }} {{ 'xx'.center(5,'*') }} {{ 'x'.ljust(3,'.') }} {{ 'x'.rjust(3,'.') }} {{ '5'.zfill(3) }} {{ '-5'.zfill(4) }} {{ '+'.zfill(3) }} {{ ''.zfill(2) }} {{ 'abc'.zfill(2) }} {{ '🙂'.center(5,'🙂') }} {{ 'a'.center(-5) }} {{ 'a\tb'.expandtabs() }}| {{ 'a\tb\n\tc'.expandtabs(4) }}| {{ 'a\tb'.expandtabs(0) }} {{ 'abc'|center(6) }}|
{{ 'x'.center(5,'ab') }}
{{ 'x'.center('a') }}
{{ 'abc'.removeprefix('a') }} {{ 'abc'.removesuffix('c') }} {{ 'abc'.removesuffix('') }} {{ 'abc'.removeprefix('abcd') }}
{{ '12'.isdigit() }} {{ '²'.isdigit() }} {{ '²'.isdecimal() }} {{ '½'.isnumeric() }} {{ '一'.isnumeric() }} {{ '½'.isdigit() }} {{ 'ab'.isalpha() }} {{ 'a1'.isalnum() }} {{ ' '.isspace() }} {{ ''.isspace() }} {{ 'aB'.isidentifier() }} {{ '1a'.isidentifier() }} {{ 'Ab Cd'.istitle() }} {{ 'AB'.istitle() }} {{ 'a\n'.isprintable() }} {{ ''.isprintable() }} {{ 'é'.isascii() }} {{ ''.isascii() }} {{ 'ABC'.isupper() }} {{ 'A1'.isupper() }} {{ '1'.isupper() }} {{ 'ab'.islower() }} {{ 'Ⅷ'.isupper() }} {{ '٣'.isdigit() }} {{ '٣'.isdecimal() }} {{ '一'.isalpha() }} {{ '_'.isidentifier() }} {{ 'ª'.islower() }} {{ 'ǅ'.istitle() }}
{{ 'abc'.translate({97: 'X', 98: none, 99: 100}) }} {{ 'abc'.translate({}) }}
{{ '%s %r %a' % ('é', 'é', 'é') }} {{ '%d %i %u' % (3.9, -3, true) }} {{ '%x %X %o %#x %#o' % (255, 255, 8, 255, 8) }} {{ '%5d|%-5d|%05d|%+d|% d' % (1,2,3,4,5) }} {{ '%.2f %e %g %G' % (3.14159, 12345.678, 0.00001, 1e20) }} {{ '%(a)s %(b)d' % {'a': 1, 'b': 2} }} {{ '%%' % () }} {{ '%c%c' % (65, 'b') }} {{ '%s' % [1] }} {{ '%s' % {'a':1} }} {{ '%*d' % (5, 3) }} {{ '%.*f' % (1, 2.55) }} {{ '%5s|%-5s|%.2s' % ('a','b','xyz') }} {{ '%g %g %g' % (100000, 1000000, 1e-4) }} {{ '%#g %#.3g' % (1, 2) }} {{ '%+.1e' % 1234.5 }} {{ '%.0f %.0f %.0f' % (0.5, 1.5, 2.5) }} {{ '%s' % none }} {{ '%s' % undefined_x }}| {{ '%05.1f' % -2.35 }} {{ '%.3d' % 5 }} {{ '%ld' % 5 }} {{ '%s' % ((1,2),) }} {{ '%010x' % -255 }} {{ '%f' % 1e22 }} {{ '%.10g' % 0.1 }} {{ '%F' % (1e999) }}
{{ '%s %s' % 'a' }}
{{ '%s' % ('a', 'b') }}
{{ '%d' % 'a' }}
{{ '%x' % 1.5 }}
{{ '%q' % 1 }}
{{ '%' % 1 }}
{{ '%(a)s' % {'b': 1} }}
{{ '%(a)s' % 1 }}
{{ '%c' % 'ab' }}
{{ '%d' % none }}
{{ 'abc' % 1 }}
{{ 'abc' % () }} {{ 'abc' % {} }} {{ 'abc' % [] }}
{{ '{} {}'.format(1, 'a') }} {{ '{1} {0}'.format(1, 2) }} {{ '{a.b} {a[c]} {l[1]}'.format(a={'b': 1, 'c': 2}, l=[1,2]) }} {{ '{!r} {!s} {!a}'.format('é','é','é') }} {{ '{:>5}|{:<5}|{:^5}|{:*^5}'.format('a','b','c','d') }} {{ '{:05d} {:+d} {:,} {:_} {:x} {:#x} {:b} {:o} {:c} {:%}'.format(5,5,1234567,1234567,255,255,5,8,65,0.25) }} {{ '{:.2f} {:10.3f}| {:e} {:g} {:.3} {:n}'.format(3.14159, 2.5, 1234.5, 0.0001, 123456.0, 5) }} {{ '{:{w}.{p}f}|'.format(3.14159, w=8, p=2) }} {{ '{{}} {}'.format(1) }} {{ '{:.3s}'.format('abcdef') }} {{ '{:5}|{:5}|'.format('a', 1) }} {{ '{:08,d} {:010,}'.format(1234, 1234.5) }} {{ '{:=+6d}'.format(5) }} {{ '{:🙂>4}'.format('a') }} {{ '{}'.format(none) }} {{ '{:>6}'.format(true) }} {{ '{:d}'.format(true) }} {{ '{}'.format([1]) }} {{ '{:.0f} {:.1%} {:#.0f}'.format(2.5, 0.1234, 2.0) }} {{ '{: d}'.format(5) }} {{ '{:X}'.format(255) }} {{ '{:_x}'.format(65536) }} {{ '{:z.1f}'.format(-0.01) }} {{ '{:.3}'.format(12.0) }} {{ '{:5.1}'.format(1.25) }} {{ '{:+}'.format(1.5) }} {{ '{:06.2f}'.format(-1.5) }} {{ '{0[0]}'.format('ab') }} {{ '{:05}'.format('a') }} {{ '{:}'.format(1.0) }} {{ '{:.1f}'.format(5) }}
{{ '{} {}'.format(1) }}
{{ '{a}'.format(b=1) }}
{{ '{0} {}'.format(1, 2) }}
{{ '{} {0}'.format(1, 2) }}
{{ '{'.format(1) }}
{{ '}'.format(1) }}
{{ '{:d}'.format('a') }}
{{ '{:d}'.format(1.5) }}
{{ '{:s}'.format(1) }}
{{ '{:5}'.format(none) }}
{{ '{:.2d}'.format(1) }}
{{ '{:=5}'.format('a') }}
{{ '{!x}'.format('a') }}
{{ '{.x}'.format(d) }}|{{ '{0.__class__}'.format(d) }}|
{{ '{0.__class__.__mro__}'.format(d) }}
{{ '{a}'.format_map({'a': 1}) }} {{ 'x %s' | format(1) }} {{ '%(a)s'|format(a=1) }} {{ '%s %s'|format('a','b') }}
{{ '%s'|format(1, a=2) }}
{{ '<a href="x">\'&</a>'|e }} {{ '<a>'|e|e }} {{ '<a>'|e|string }} {{ '<a>'|forceescape }} {{ '<a>'|e|forceescape }} {{ ('<a>'|e) + '<b>' }} {{ '<b>' + ('<a>'|safe) }} {{ ('<a>'|safe) ~ '<b>' }} {{ ('<a>%s'|safe) % '<b>' }} {{ ('<a>{}'|safe).format('<b>') }} {{ ('<'|safe) * 2 }} {{ ('<a>'|safe)|upper }} {{ ('a'|safe) == 'a' }} {{ ('a'|safe) in ['a'] }} {{ [('a'|safe)] }} {{ ('<a>'|safe).replace('a','<') }} {{ ('-'|safe).join(['<','>'|safe]) }} {{ ('a b'|safe).split() }} {{ ('ab'|safe)[0] is escaped }} {{ ('a'|safe) is string }} {{ ('<'|e)|length }} {{ ('<a>'|safe)|replace('a','<')|e }} {{ 5|e }} {{ none|safe }} {{ ('<b>x</b>'|safe).striptags() }} {{ ('a'|safe)|tojson }} {{ {'a'|safe: 1}['a'] }} {{ '<x>'|safe|trim|e }} {{ ['<'|safe, '<']|join }} {{ ('<'|safe)|truncate(5)|e }}
{{ '<p>Hello <b>World</b> &amp; <!-- c --> all</p>'|striptags }} {{ 'a < b > c'|striptags }} {{ 'x<y'|striptags }} {{ '&lt;b&gt; &#39; &eacute; &nbsp;|'|striptags }} {{ '  a \n b '|striptags }}
{{ 'a b/c?d=é&f'|urlencode }} {{ {'a b': 'c&d', 'e': 1}|urlencode }} {{ [('a', 1), ('b', '/')]|urlencode }} {{ 5|urlencode }} {{ '~_.-'|urlencode }}
{{ [1]|urlencode }}
{{ {'a': 1, 'b': none, 'c': '<"', 'd': undefined_x}|xmlattr }}| {{ {'a': 1}|xmlattr(false) }} {{ {}|xmlattr }}|
{{ {'a b': 1}|xmlattr }}
{{ [1]|xmlattr }}
{{ 'The quick brown fox-jumped over the lazy-dog'|wordwrap(10) }} {{ 'averyveryverylongword short'|wordwrap(5) }} {{ 'averyveryverylongword short'|wordwrap(5,false) }} {{ 'a-b-c-d-e foo--bar baz'|wordwrap(4) }} {{ 'one two\nthree four five'|wordwrap(9) }} {{ 'well-known state-of-the-art'|wordwrap(8,break_on_hyphens=false) }} {{ 'one two three'|wordwrap(4, wrapstring='|') }} {{ '  lead  trail  '|wordwrap(6) }}| {{ ''|wordwrap }}| {{ 'word--another---x'|wordwrap(5) }} {{ 'a-very-long-hyphenated-word'|wordwrap(7) }} {{ 'x'|wordwrap(1) }} {{ '1-2 a1-b2 ab-cd a-bc'|wordwrap(3) }}
{{ 'x y'|wordwrap(0) }}
{{ 'a b, c_d e-f'|wordcount }} {{ ''|wordcount }} {{ 'ä ö'|wordcount }}
{{ d|pprint }} {{ 'a'|pprint }} {{ [1]*40|pprint }} {{ ([1]*40)|pprint }} {{ {'zzzzzzzzzzzzzzzzzzzzzzzzzzzzz': 'a'*40, 'b': ['c'*50, 'd'*40]}|pprint }} {{ ('word ' * 30)|pprint }} {{ people|pprint }} {{ (1,)|pprint }} {{ 1.5|pprint }} {{ ['x ' * 60]|pprint }} {{ {'b':1,'a':2}|pprint }} {{ 'a\nb' * 30|pprint }} {{ (('a\nb ') * 30)|pprint }}
{{ d|tojson }} {{ l|tojson(indent=2) }} {{ d|tojson(indent=4) }} {{ people|tojson(indent=1) }} {{ d|tojson(separators=(',',':')) }} {{ d|tojson(sort_keys=true) }} {{ s|tojson }} {{ s|tojson(true) }} {{ [1.0, 1e16, 1e-5, 1e22, 0.1, -0.0, 123456789.123]|tojson }} {{ [true, none]|tojson }} {{ ()|tojson }} {{ {}|tojson(indent=2) }} {{ [[]]|tojson(indent=2) }} {{ {'a': []}|tojson(indent='\t') }} {{ l|tojson(indent=0) }} {{ {1: 2, 1.5: 3, none: 4, true: 5}|tojson }} {{ '\x7f\x00\u2028"\\/\b\f'|tojson }} {{ '\x7f'|tojson(ensure_ascii=true) }} {{ big|tojson }} {{ f|tojson }} {{ neg|tojson }} {{ (1e999)|tojson }} {{ [1,2]|tojson(indent=2, separators=(', ', ' = ')) }} {{ l|tojson(indent=true) }}
{{ {(1,2): 3}|tojson }}
{{ range(3)|tojson }}
{{ d.keys()|tojson }}
{{ l|map('int')|tojson }}
{{ namespace()|tojson }}
{{ d|tojson(foo=1) }}
{{ {'b': 1, 1: 2}|tojson(sort_keys=true) }}
{{ 'x'|tojson(separators=1) }}
{{ neg }} {{ f }} {{ big }} {{ 1e16 }} {{ 1e15 }} {{ 123456789012345678 }} {{ 1.0e10 }} {{ 1e-4 }} {{ 0.00001 }} {{ 1_000.5 }} {{ 0x1F }} {{ 0b101 }} {{ 0o17 }} {{ 1e5 }} {{ 1E5 }} {{ 5e-324 }} {{ 1.7976931348623157e308 }} {{ 1e999 }} {{ -1e999 }} {{ 0.1 }} {{ 100.0 }} {{ 1e21 }} {{ 0.30000000000000004 }} {{ 00 }} {{ 0_0 }}
{{ 012 }}
{{ 1__0 }}
{{ 1.e5 }}
{{ 1. }}
{{ .5 }}
{{ 0x }}
{{ 1a }}
{{ 'a\'b' }} {{ "a\"b" }} {{ 'a\\b' }} {{ 'a\nb' }} {{ 'a\tb' }} {{ '\x41\u0042\U00000043\103' }} {{ 'a\qb' }} {{ 'a\
b' }} {{ '\é' }} {{ 'é' }} {{ '\a\b\f\v'|tojson }} {{ 'a' 'b' "c" }} {{ '\0'|tojson }} {{ '\🙂' }}
{{ '\x4' }}
{{ '\u12' }}
{{ '\U00110000' }}
{{ '\N{BULLET}' }}
{{ [1, 2, ] }} {{ (1, ) }} {{ {'a': 1, } }} {{ [] }} {{ () }} {{ {} }} {{ 1, 2 }} {{ (1, 2), 3 }} {{ (1) }}
{{ [1 2] }}
{{ {1} }}
{{ {'a'} }}
{{ [, ] }}
{{ (, ) }}
{{ f(a=1, a=2) }}
{{ f(a=1, 2) }}
{{ f(*[1], 2) }}
{{ f(**{}, *[]) }}
{{ dict(**{'a': 1}) }} {{ dict(*[[('a', 1)]]) }} {{ dict(a=1, **{'b': 2}) }} {{ range(*[1, 4])|list }}
{{ dict(a=1, **{'a': 2}) }}
{{ dict(**{1: 2}) }}
{{ dict(**[1]) }}
{{ range(*5) }}
{{ 'x' if true }} {{ 'x' if false }}| {{ 1 if true else 2 if true else 3 }} {{ 1 if false else 2 if false else 3 }} {{ (1 if false).x }}
{{ (1 if false) + 1 }}
{{ 'abc'.upper }}
{{ 'abc'.upper() .lower() }} {{ 'abc' . upper ( ) }} {{ d . b }} {{ d [ 'b' ] }}
{{ l.0 }} {{ l.1 }} {{ nest.0.1.0 }} {{ nest[0].1 }} {{ people.0.name }}
{{ l.0.1 }}|
{{ l.-1 }}
{{ -l[0] }} {{ -i|abs }} {{ (-i)|abs }} {{ - i }} {{ +i }} {{ --i }} {{ not not i }} {{ -i.real }} {{ not i == 7 }} {{ -2|string ~ 'a' }}
{{ 1 ~ 2 + 3 }} {{ 1 + 2 ~ 3 }} {{ 'a' ~ 1 * 2 }} {{ 1 ~ none ~ true ~ [1] ~ {'a': 1} ~ 1.0 }} {{ 2 ~ 3 == '23' }}
{{ 1 == 1 == 1 }} {{ 1 in [1] == true }} {{ 'a' in 'abc' in ['abc'] }} {{ 1 or 2 and 0 }} {{ 0 and 1 or 2 }} {{ none or '' or 'x' }} {{ 'a' and 'b' }}
{{ a.b.c is defined }}
{{ d.q is defined }} {{ d.q.r is defined }}
{{ loop }}|{{ self }}|{{ caller is defined }}|{{ varargs is defined }}
{{ loop.index }}
{{ lipsum is callable }} {{ strftime_now is callable }} {{ raise_exception is callable }} {{ range }}{{ dict }}
{{ raise_exception('boom') }}
{{ raise_exception() }}
{{ strftime_now('%%') }} {{ strftime_now('x') }}
{% set c = cycler('a','b') %}{{ c.current }}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.reset() }}{{ c.next() }}{{ c.pos }}{{ c.items }}
{{ cycler() }}
{% set j = joiner() %}{{ j() }}|{{ j() }}|{{ j.used }}{{ j.sep }}{% set k = joiner(sep='-') %}{{ k() }}{{ k() }}
{{ joiner()('x') }}
'''
T = [
 "{% for x in l %}{{ loop.index }}{{ loop.last }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.length }}{{ loop.depth }}{{ loop.depth0 }}{{ loop.first }};{% else %}none{% endfor %}",
 "{% for x in l|map('string') %}{{ loop.index }}/{{ loop.length }}{{ loop.nextitem }}{{ loop.previtem }}{% endfor %}",
 "{% for x in l|map('string') %}{{ loop.last }}{{ loop.length }} {% endfor %}",
 "{% for x in [] %}a{% else %}b{% endfor %}", "{% for x in [1] %}{% continue %}{% else %}E{% endfor %}", "{% for x in [1,2] %}{% break %}{% else %}E{% endfor %}",
 "{% for x in [1,2] %}{% if x == 2 %}{% break %}{% endif %}{% else %}E{% endfor %}", "{% for x in l if x > 1 %}{{ x }}{{ loop.index }}{{ loop.length }}{% else %}none{% endfor %}",
 "{% for x in l if x > 100 %}{{ x }}{% else %}none{% endfor %}", "{% for x in l if loop.index > 1 %}{{ x }}{% endfor %}", "{% for a, b in [(1,2)] if a %}{{ loop.previtem }}{{ a }}{{ b }}{% endfor %}",
 "{% for [a, b] in [(1,2)] %}{% endfor %}", "{% for (a, b) in [[1,2]] %}{{ a }}{{ b }}{% endfor %}", "{% for a, in [(1,)] %}{{ a }}{% endfor %}", "{% for a, b in ['xy'] %}{{ a }}{{ b }}{% endfor %}",
 "{% for a, b in [1] %}{% endfor %}", "{% for a, b in ['xyz'] %}{% endfor %}", "{% for a, b in ['x'] %}{% endfor %}", "{% for a, b in d.items() if b is mapping %}{{ a }}{% endfor %}",
 "{% for x in d %}{{ x }}{% endfor %}", "{% for x in 'a🙂b' %}{{ x }},{% endfor %}", "{% for x in none %}{% endfor %}", "{% for x in undefined_x %}a{% else %}b{% endfor %}", "{% for x in 5 %}{% endfor %}",
 "{% for x in nest recursive %}{{ loop.depth }}{% if x is iterable and x is not string and x is not mapping %}({{ loop(x) }}){% else %}{{ x }}{% endif %}{% endfor %}",
 "{% for x in [1] recursive %}{{ loop.depth }}{% if loop.depth < 3 %}{{ loop([1]) }}{% endif %}{% else %}E{% endfor %}", "{% for x in [[]] recursive %}[{{ loop(x) }}]{% else %}E{% endfor %}",
 "{% for x in [1] %}{{ loop([1]) }}{% endfor %}", "{% for x in [1,2] %}{% for y in [1,2] %}{{ loop.index }}{% endfor %}{{ loop.index }}{% endfor %}", "{% for x in [1,2] %}{% set outer = loop %}{% for y in [1] %}{{ outer.index }}{% endfor %}{% endfor %}",
 "{% for x in [1,2,3] %}{{ loop.cycle('a','b') }}{{ loop.changed(x // 2) }}{% endfor %}", "{% for x in [1] %}{{ loop.cycle() }}{% endfor %}", "{% for x in [1] %}{{ loop }}{% endfor %}", "{% for x in [1] %}{{ loop.foo }}|{% endfor %}",
 "{% for x in [1] %}{% set loop = 1 %}{% endfor %}", "{% for loop in [1] %}{% endfor %}", "{% for x in [1] %}{% macro loop() %}{% endmacro %}{% endfor %}ok", "{% for x in l %}{% endfor %}{{ x }}|", "{% set x = 5 %}{% for x in l %}{{ x }}{% endfor %}{{ x }}",
 "{% for x in l %}{% set y = x %}{% endfor %}{{ y }}|", "{% set y = 0 %}{% for x in l %}{% set y = y + x %}{{ y }},{% endfor %}{{ y }}", "{% for x in l %}{{ y }}{% set y = x %}{{ y }};{% endfor %}",
 "{% break %}", "{% continue %}", "{% for x in l %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}", "{% for x in l %}{% set t %}{% break %}{% endset %}{% endfor %}ok", "{% for x in l %}{% filter upper %}a{% if x == 1 %}{% continue %}{% endif %}b{% endfilter %}{% endfor %}",
 "{% for x in l %}{% with a = x %}{% if a == 1 %}{% break %}{% endif %}{{ a }}{% endwith %}{% endfor %}", "{% for x in [] %}{% else %}{% break %}{% endfor %}", "{% for y in l %}{% for x in [] %}{% else %}{% break %}{% endfor %}{{ y }}{% endfor %}",
 "{% for x in l %}{% call m() %}{% break %}{% endcall %}{% endfor %}", "{% for x in l %}{% generation %}{% break %}{% endgeneration %}{% endfor %}",
 "{% if 0 %}a{% elif '' %}b{% elif [] %}c{% elif {} %}d{% elif none %}e{% elif 0.0 %}f{% elif undefined_x %}g{% elif () %}h{% else %}z{% endif %}", "{% if 1, 2 %}t{% endif %}", "{% if () %}t{% else %}f{% endif %}", "{% if (x) %}{% else %}e{% endif %}", "{% if range(0) %}t{% else %}f{% endif %}", "{% if {}.keys() %}t{% else %}f{% endif %}",
 "{% set x = 1 %}{% if true %}{% set x = 2 %}{% endif %}{{ x }}", "{% if false %}{% set q = 1 %}{% endif %}{{ q }}|{{ q is defined }}", "{% if c %}{% set i = 1 %}{% endif %}{{ i }}", "{% for x in [1] %}{% if true %}{% set i = 99 %}{% endif %}{{ i }}{% endfor %}{{ i }}",
 "{% set a = b = 1 %}", "{% set a, b = [1, 2] %}{{ a }}{{ b }}", "{% set a, b = 'xy' %}{{ a }}{{ b }}", "{% set a, b = 1 %}", "{% set (a, b), c = (1, 2), 3 %}{{ a }}{{ b }}{{ c }}", "{% set a = 1, 2 %}{{ a }}", "{% set true = 1 %}", "{% set 'a' = 1 %}", "{% set [a] = [1] %}", "{% set a.b.c = 1 %}", "{% set d['x'] = 1 %}", "{% set none = 1 %}", "{% set a, true = 1, 2 %}",
 "{% set d.x = 1 %}", "{% set undefined_ns.x = 1 %}", "{% set x %}a{{ i }}b{% endset %}{{ x }}{{ x|upper }}", "{% set x | upper | replace('A', 'b') %}a{% endset %}{{ x }}", "{% set x | default(undefined_thing) %}a{% endset %}{{ x }}", "{% set x | default(i) %}a{% endset %}{{ x }}{{ i }}", "{% set x %}{% set y = 1 %}{{ y }}{% endset %}{{ x }}{{ y }}|", "{% set a, b %}xy{% endset %}{{ a }}{{ b }}", "{% set ns = namespace() %}{% set ns.x %}blk{% endset %}{{ ns.x }}", "{% set x | nosuch %}{% endset %}", "{% set x | upper = 1 %}",
 "{% with %}{% set a = 1 %}{{ a }}{% endwith %}{{ a }}|", "{% with a = 1, b = a %}{{ a }}{{ b }}{% endwith %}", "{% set a = 5 %}{% with a = 1, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}", "{% with a, b = (1, 2) %}{{ a }}{{ b }}{% endwith %}", "{% with a %}{% endwith %}", "{% with i = i + 1 %}{{ i }}{% endwith %}{{ i }}",
 "{% filter upper %}a{{ i }}{% set z = 1 %}{% endfilter %}{{ z }}|", "{% filter replace('a', 'b') | upper %}aab{% endfilter %}", "{% filter nosuch %}{% endfilter %}", "{% filter default('x') %}{% endfilter %}|", "{% filter length %}abc{% endfilter %}", "{% filter center(width=i) %}a{% endfilter %}|",
 "{% macro m(a, b=1, *c) %}{% endmacro %}", "{% macro m(a, b=1, c) %}{% endmacro %}", "{% macro m(a, a) %}{% endmacro %}", "{% macro m(a=1, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m() }}{{ m(2) }}{{ m(b=3) }}", "{% macro m(a=b, b=2) %}{{ a }}{{ b }}{% endmacro %}{{ m() }}|", "{% macro m(x) %}{{ x is defined }}{{ x }}{% endmacro %}{{ m() }}{{ m(none) }}", "{% macro m(x) %}{{ x.y }}{% endmacro %}{{ m() }}",
 "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, a=3) }}", "{% macro m(x, varargs) %}{{ varargs }}{% endmacro %}{{ m(1, 2) }}", "{% macro m(kwargs) %}{{ kwargs }}{% endmacro %}{{ m(kwargs=1) }}", "{% macro m() %}{{ caller() }}{% endmacro %}{{ m() }}", "{% macro m(caller=none) %}{{ caller }}{% endmacro %}{{ m() }}{{ m(1) }}", "{% macro m(caller) %}{{ caller }}{% endmacro %}{{ m() }}", "{% macro m(caller=5) %}{{ caller() }}{% endmacro %}{% call m() %}c{% endcall %}",
 "{% macro m(x) %}{{ caller(x, y=2) }}{% endmacro %}{% call(a, y=1) m(5) %}{{ a }}{{ y }}{% endcall %}", "{% macro m() %}{% endmacro %}{% call m() %}x{% endcall %}", "{% call undefined_m() %}{% endcall %}", "{% call 5 %}{% endcall %}", "{% call (1) %}{% endcall %}", "{% call(x) m %}{% endcall %}", "{% macro m() %}[{{ caller() }}]{% endmacro %}{% call m() %}{% call m() %}x{% endcall %}{% endcall %}",
 "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(a=1, b=2) }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, a=2) }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, caller=2) }}", "{% macro m(a) %}{% endmacro %}{{ m }}|{{ m.name }}{{ m.arguments }}{{ m.catch_kwargs }}{{ m.catch_varargs }}{{ m.caller }}", "{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}",
 "{{ m() }}{% macro m() %}x{% endmacro %}", "{% macro m() %}{{ x }}{% endmacro %}{% set x = 1 %}{{ m() }}", "{% macro m() %}{% set x = 9 %}{{ x }}{% endmacro %}{% set x = 1 %}{{ m() }}{{ x }}", "{% for x in l %}{% macro m() %}{{ x }}{% endmacro %}{{ m() }}{% endfor %}", "{% for x in l %}{% if loop.first %}{% macro m() %}{{ x }}{% endmacro %}{% endif %}{{ m() }}{% endfor %}", "{% if true %}{% macro m() %}ok{% endmacro %}{% endif %}{{ m() }}", "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}B{% endmacro %}{{ a() }}",
 "{% macro m(a, b) %}{{ a }}-{{ b }}{% endmacro %}{{ m(*[1, 2]) }}{{ m(**{'a': 1, 'b': 2}) }}{{ m(1, *[2]) }}", "{% macro m() %}  x  {% endmacro %}[{{ m() }}][{{ m()|trim }}][{{ m() | length }}]", "{% macro outer() %}{% macro inner() %}i{% endmacro %}{{ inner() }}{% endmacro %}{{ outer() }}{{ inner is defined }}", "{% set f = 'abc'.upper %}{{ f() }}", "{% macro m(x=[]) %}{{ x }}{% endmacro %}{{ m() }}", "{% macro m() %}{{ loop }}{% endmacro %}{% for x in [1] %}{{ m() }}{% endfor %}|",
 "{% for x in [1,2] %}{% macro m() %}{{ loop.index }}{% endmacro %}{{ m() }}{% endfor %}", "{% macro m(n) %}{% for x in range(n) %}{{ loop.index }}{% endfor %}{% endmacro %}{{ m(3) }}", "{{ [1, 2, 3] | map('string') | map('length') | list }}",
 "{% block a %}x{{ i }}{% endblock %}", "{% set q = 1 %}{% block a %}{{ q }}{% endblock %}", "{% block a %}1{% endblock %}{{ self.a() }}{{ self.b is defined }}", "{% block a %}{% endblock a %}", "{% block a %}{% endblock %}{% block a %}{% endblock %}", "{% for x in [1] %}{% block a %}{{ x }}{% endblock %}{% endfor %}|", "{% for x in [1] %}{% block a scoped %}{{ x }}{{ loop.index }}{% endblock %}{% endfor %}|", "{% block a required %}{% endblock %}", "{% block a %}{{ super() }}{% endblock %}", "{% block a-b %}{% endblock %}",
 "{% include 'x' %}", "{% if false %}{% include 'x' %}{% endif %}ok", "{% import 'x' as y %}", "{% from 'x' import y %}", "{% if false %}{% from 'x' import y as z, w with context %}{% import 'a' as b without context %}{% include 'q' ignore missing with context %}{% endif %}ok", "{% extends 'x' %}", "{% from 'x' import _y %}", "{% do 1 %}", "{% autoescape false %}{{ '<' }}{% set z = 1 %}{% endautoescape %}{{ z }}|",
 "{% raw %}{{ x }}{% endraw %}", "{%- raw -%} a {%- endraw -%} b", "  {% raw %}\n a\n  {% endraw %}\nb", "{% raw %}{% raw %}{% endraw %}", "{% raw %} {%", "{%raw%}a{%endraw%}", "{% raw x %}{% endraw %}", "a\n{% raw %}\nx\n{% endraw +%}\nb", "{% raw %}{{ }}{# #}{% if %}{%- endraw %}",
 "{# a #}b{# c", "{#- a -#} b", "a {#- c #}\n b", "{#+ c +#}\nx", "{##}", "{#-#}x", "a{# {{ }} {% %} #}b", "{# #}\n\n{# #}\nx", "x\n  {# c #}\ny", "x {# c #}\ny", "  {#- c -#}  \ny", "{# a\nb #}\nc",
 "{{ x }}\n", "{{ 1 }}\n\n", "\n{{ 1 }}", "{{- 1 -}}", "a {{- 1 -}} b", "a\n  {{- 1 -}}\n  b", "{{ 1 -}}\n\n x", "  {{ 1 }}", "  {% set x = 1 %}  \n y", "  {%+ set x = 1 %}\ny", "\t{% if true +%}\n x {% endif %}", "a {% if true %}\nb\n {% endif %} c", "{% if true -%}\n  x\n{%- endif %}", "{%- if true %} x {% endif -%} \n y", "{% if true %}\n\n\nx{% endif %}", "x\r\n{% if true %}\r\ny\r\n{% endif %}\r\n", "a\rb{{ 'c\rd' }}", "{{ '\\r\\n' }}", "{%if true%}x{%endif%}", "{%\nif\ntrue\n%}x{%\nendif\n%}", "{{\n1\n}}", "a\n\t {% if true %}b{% endif %}", "{% if true %}a{% endif %}\n{% if true %}b{% endif %}\n", "  {% if true %}\n    a\n  {% else %}\n    b\n  {% endif %}\n", "é\u2003{% if true %}x{% endif %}", "\u2003{% if true %}x{% endif %}", "\x0b{% if true %}x{% endif %}",
 "{{ '}}' }}", "{{ '%}' }}{% set x = '%}' %}{{ x }}", "{{ {'a': {'b': 1}} }}", "{{ {'a': {'b': 1}}}}", "{{ {} }}", "{% set x = {'a': 1} %}{{ x.a }}", "{{ (1, 2) }}", "{{ ')' }}", "{{ 1 }} }}", "}} %} #}", "{ { x } }", "{{{ 'a' }}}", "{{ {{ 1 }} }}", "{{ 'a' }}{", "{", "{{", "{%", "{#", "{{ 1", "{% if", "{{ ) }}", "{{ (] }}", "{{ ( }}", "{{ 'a }}", "{{ \"a' }}", "{{ @ }}", "{{ $x }}", "{{ a! }}", "{{ a & b }}", "{{ `a` }}", "{{ a ? b : c }}", "{{ a => b }}", "{{ ; }}", "{{ a; b }}", "{{ é }}|", "{% set é = 1 %}{{ é }}", "{{ a² }}", "{{ x := 1 }}", "{{ a.1b }}", "{{ a..b }}", "{{ a.'b' }}", "{{ a[] }}|", "{{ l[] }}|", "{{ d[1,2] }}|", "{{ d[1:2,3] }}", "{{ a[1:2:3:4] }}", "{{ l[1:2, ] }}", "{{ l[:] }}{{ l[::] }}", "{{ not }}", "{{ is }}|", "{{ 1 is }}", "{{ 1 if }}", "{{ if }}|", "{{ in }}|", "{{ and }}", "{{ or 1 }}", "{{ 1 in }}", "{{ for }}|{{ else }}|", "{{ not in [1] }}", "{{ lambda x: x }}", "{{ x for x in y }}", "{{ [x for x in l] }}", "{{ 1 not 2 }}", "{{ 1 | 2 }}", "{{ 1 |upper() |lower }}", "{{ |upper }}", "{{ 1 || 2 }}", "{{ 1 && 2 }}", "{{ a | b.c | d }}", "{{ 'a'|upper|lower() }}", "{{ 'a'|upper()() }}", "{{ 'abc'|first|upper ~ 'x' }}", "{{ 1|string|length }}", "{{ -1|abs }}", "{{ 1+1|string }}", "{{ (1+1)|string ~ 'a' }}", "{{ 'a' 'b'|upper }}", "{{ 'a'.upper()|lower }}", "{{ [1,2]|length > 1 }}", "{{ 'a' in ['a']|list }}", "{{ 3 if 1 is odd else 4 }}", "{{ 2 * 3|string }}",
 "{% %}", "{% 1 %}", "{% x %}", "{% endfor %}", "{% else %}", "{% elif x %}", "{% if %}{% endif %}", "{% if 1 %}", "{% if 1 %}{% else %}", "{% if 1 %}{% endfor %}", "{% for %}{% endfor %}", "{% for x %}{% endfor %}", "{% for x in %}{% endfor %}", "{% for in l %}{% endfor %}", "{% for x in l recursive %}{{ x }}{% endfor %}", "{% for x in l if %}{% endfor %}", "{% for x in l, %}{{ x }}{% endfor %}", "{% for x in 1, 2 %}{{ x }}{% endfor %}", "{% for x in l if x if x %}{% endfor %}", "{% for x in (l if true else []) %}{{ x }}{% endfor %}", "{% for x.y in l %}{% endfor %}", "{% for x[0] in l %}{% endfor %}", "{% for 'a' in l %}{% endfor %}", "{% for x in l: %}{{ x }}{% endfor %}", "{% if true: %}x{% else: %}y{% endif %}", "{% if true %}x{% endif x %}", "{% if true %}{% elif %}{% endif %}", "{% if true %}a{% else %}b{% else %}c{% endif %}", "{% if true %}a{% else %}b{% elif true %}c{% endif %}", "{% print 1 %}", "{% print 1, 2 %}", "{% print %}", "{% print 1 2 %}", "{% set %}", "{% set x %}", "{% set x = %}", "{% set x = 1 2 %}", "{% set x 1 %}", "{% macro %}", "{% macro m %}{% endmacro %}", "{% macro m( %}", "{% macro 1() %}{% endmacro %}", "{% macro m(1) %}{% endmacro %}", "{% macro m() %}", "{% call %}", "{% filter %}", "{% with a=1 b=2 %}{% endwith %}", "{% generation %}a{% endgeneration %}b", "{% generation %}", "{% generation x %}{% endgeneration %}", "{%- generation -%} a {%- endgeneration -%} b", "{% generation %}{% set z = 1 %}{{ i }}{% endgeneration %}{{ z }}|", "{% generation %}{{ caller is defined }}{% endgeneration %}", "{% generation: %}x{% endgeneration %}",
    # Entities, with and without a semicolon
    "{{ '&amp &ampx &lt;&LT&GT;&COPY &copyx; &notit; &apos &apos; &eacutete; &nbspsp;|&; & &x &#'|striptags }}",
    "{{ '&#39 &#x27x &#X41; &#128;&#x9f;&#0;|&#1;|&#55296;|&#1114112;|&#99999999999;|&#xfffe;|&#13;|&#xZ'|striptags }}",
    "{{ '&thetasym; &theta &alpha; &sup2 &frac12x &yuml &Yuml &Yuml; &aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaamp;'|striptags }}",
    # Slices that are evaluated when the template is compiled
    "{{ {1: people, 'k': i * t} if 10[1:2] else 2.0 }}|", "{{ 'A'[10|tojson(indent=1) or d:] }}|", "{% set b = 'x,y'[none[::-1]] %}",
    "{% set b = 5[1:] or 'x' %}{{ b }}", "{% set b = 5[1:] %}", "{{ 5[1:] }}|", "{% set b = [5[1:]] %}", "{{ [5[1:]] }}", "{{ 'a'[::0] }}",
    "{{ 5[1:] and people }}|", "{{ people and 5[1:] }}", "{% if 5[1:] %}a{% else %}b{% endif %}", "{% if not 5[1:] %}a{% endif %}",
    "{{ 'x' if 5[1:] }}", "{{ 5[1:] is defined }}", "{{ 1 < 2 < 5[1:] }}", "{{ 5[1:]|default('z') }}", "{{ 5[1:]|length }}", "{{ 'ab'[5[1:]:] }}|",
    "{{ ('a' ~ 5[1:]) ~ people|length }}", "{{ people|length ~ 5[1:] }}", "{{ 3 > 4 > people[5[1:]] }}", "{{ {'a': 1}['a':] }}|",
    "{{ [1, 2, 3][1:]|batch(1) is defined }}", "{{ [1, 2][1:][0] + 1 }}", "{{ 'abc'[1:].upper() }}",
]
SNIPPETS = [x for x in E.strip('\n').split('\n')]
# join the one snippet that holds a backslash newline
out = []
for line in SNIPPETS:
    if out and out[-1].endswith('\\'):
        out[-1] += '\n' + line
    else:
        out.append(line)
# split multi-expression lines also into single expressions, so that one error does not hide the others
import re
singles = []
for line in out:
    parts = re.findall(r'\{\{ .*? \}\}(?=[ |,]|$|\{)', line, re.S)
    if len(parts) > 1 and '{%' not in line:
        singles += parts
CASES = [(t, P) for t in dict.fromkeys(out + singles + T)]
