//! What stands behind a name: the separator, and where the value begins and ends.

use super::called::{passed_on, skip_blanks, sure, typed_or_called};
use super::expansion::{action_default, argument_of_command, default_of_expansion};
use super::separator::{CONSTANT, Separator, separator};
use crate::detect::extract::name::{Context, is_setter};
use crate::detect::search::Search;
use crate::detect::syntax::bare::{self, Stop, bare, ends_value, stop, trim_end};
use crate::detect::syntax::cells::{row_cells, tag, undecorated};
use crate::detect::syntax::hints::Notation;
use crate::detect::syntax::named::Value;
use crate::detect::syntax::quote::{
    ENTITY_QUOTE, before_quote, call_before, inside_literal, is_inside_action, is_open, quoted_in, quoted_literals,
};
use crate::detect::syntax::sentence::{REACH, word_before_default};
use crate::detect::syntax::{embedded, scalar, table};
use crate::detect::worth::weak::is_camel_words;
use crate::detect::worth::{judge, randomness};
use crate::rule::lexicon::{ENTERING_VERBS, ENVIRONMENT_CALLS, NOT_ONE, SETTING_CALLS};
use crate::text::Span;

/// The values assigned to a name, if anything is.
pub(super) fn after(search: &Search<'_>, context: &Context) -> Option<Vec<Value>> {
    let text = search.text;
    let line = context.line;
    let notation = search.notation_at(line);
    if is_inside_action(&text[line.start..context.name.start]) {
        return None;
    }
    let (separator, start) = separator(text, context, notation)?;
    if separator == Separator::Cell && table::has_titles(search, line) {
        return None;
    }
    // The decoration of cells is on both sides.
    let start = if separator == Separator::Cell { start } else { skip_decoration(text, start, line.end) };
    if separator == Separator::Colon && notation == Notation::Prose && tells_default(&text[start..line.end]) {
        return None;
    }
    // `getenv("DB_PASSWORD", default="x")`
    let named = separator == Separator::Argument && text[start..line.end].starts_with(b"default=");
    let start = if named { start + 8 } else { start };
    let start = if separator == Separator::Colon { behind_verb(text, start, line.end) } else { start };
    let second = bare::second_of_pair(text, context.label(), start);
    let start = second.unwrap_or(start);
    if separator == Separator::Colon {
        let values = scalar::below(search, context.label(), randomness::is_random);
        if !values.is_empty() {
            return Some(values);
        }
    }
    if start >= line.end {
        return None;
    }
    if separator == Separator::Colon
        && let Some(value) = in_doubled_quotes(text, context, start)
    {
        return Some(if value.is_empty() { Vec::new() } else { sure(value) });
    }
    // `PASSWORD= #optional`
    let set = separator == Separator::Equals || separator == Separator::Colon && notation.is_settings();
    if set && text[start] == b'#' && text[start - 1].is_ascii_whitespace() {
        return Some(Vec::new());
    }
    // `DB_PASSWORD= FILTER=integration npm test`: empty, and the next variable.
    if separator == Separator::Equals
        && text[context.name.end] == b'='
        && text[start - 1] == b' '
        && begins_variable(&text[start..line.end])
    {
        return Some(Vec::new());
    }
    if text[start..line.end].starts_with(b"{{") {
        return action_default(text, start, line.end).map(sure);
    }
    if let Some(argument) = argument_of_command(text, start, line.end) {
        return Some(sure(argument));
    }
    if let Some(default) = default_of_expansion(text, start, line.end) {
        return Some(sure(default));
    }
    // `password=&quot;admin&quot;`
    if let Some(inner) = text[start..line.end].strip_prefix(ENTITY_QUOTE)
        && let Some(length) = memchr::memmem::find(inner, ENTITY_QUOTE)
    {
        let start = start + ENTITY_QUOTE.len();
        return Some(sure(Span::new(start, start + length)));
    }
    if let Some(span) = quoted_in(text, start, line.end, notation) {
        // The next name of an object, and no value: `"key": "password", "value": …`.
        // `` `auth_pass`,`priv_pass` ``: columns of a table.
        let column = text.get(context.name.end) == Some(&b'`') && text.get(span.end) == Some(&b'`');
        let is_name = separator == Separator::Argument && (column || text[span.end + 1..line.end].trim_ascii_start().starts_with(b":"));
        let listed = || separator == Separator::Argument && is_listed(text, context, span);
        // `isCode ? "passcode" : "recovery_code"`
        let chosen = || separator == Separator::Colon && is_choice(&text[line.start..context.name.start]);
        // `"?token=".concat(name)`: the literal with the name ends here.
        let ends = || {
            separator == Separator::Equals
                && matches!(notation, Notation::Source | Notation::Quoted)
                && text[start] == b'"'
                && is_open(&text[line.start..context.name.start], b'"')
        };
        if is_name || listed() || chosen() || ends() {
            return None;
        }
        if text[span.range()].starts_with(b"{{")
            && let Some(literal) = action_default(text, span.start, span.end)
        {
            return Some(sure(literal));
        }
        let before = &text[line.start..context.name.start];
        // `["--auth-password", "x"]`
        let option = text[context.name.range()].starts_with(b"--");
        // `-define(DEFAULT_PASSWORD, <<"x">>).`
        let constant = before.ends_with(CONSTANT);
        // `buildConfigField("String", "API_KEY", "\"x\"")`
        let declared = || SETTING_CALLS.begins(before.trim_ascii_start());
        let given = || {
            option
                || constant
                || declared()
                || reads_variable(before)
                || is_set(text, context, span)
                || is_tuple(text, context, span)
                || is_of_settings_row(before, &text[context.name.range()])
        };
        let uncertain = separator == Separator::Argument && !given();
        return Some(vec![Value { span, uncertain }]);
    }
    // `"secret": ["X"]`, as exports of realms have them: what a generator made.
    if separator == Separator::Colon && text[start] == b'[' {
        let close = start + memchr::memchr(b']', &text[start..line.end]).unwrap_or(0);
        let literals = quoted_literals(text, start + 1, close);
        if !literals.is_empty() && literals.iter().all(|literal| randomness::is_random(&text[literal.range()])) {
            return Some(literals.into_iter().map(|span| Value { span, uncertain: false }).collect());
        }
    }
    match separator {
        Separator::Argument => passed_on(text, start, line.end).map(sure),
        // `redis://<user>:<pass>@host/<db>` has no elements.
        Separator::Element if text.get(start) == Some(&b'@') => None,
        Separator::Element => {
            // `<Password><Value>X</Value>`
            let inner = text[start..line.end].get(..7).filter(|tag| tag.eq_ignore_ascii_case(b"<value>"));
            let start = start + inner.map_or(0, <[u8]>::len);
            until(text, start, line.end, b'<').map(sure)
        }
        Separator::Cell if table::is_header(search, line) || is_negated(&text[line.start..context.name.start]) => Some(Vec::new()),
        Separator::Cell => {
            // `| Password | X | Y |`; behind a name further right other things follow.
            let names_row = text[line.start..context.name.start].iter().filter(|byte| **byte == b'|').count() < 2;
            let cells = row_cells(text, Span::new(start, line.end)).into_iter().take(if names_row { usize::MAX } else { 1 });
            // `| PASSWORD | Of the web server, word is default. |`
            let told = |cell| word_before_default(text, cell).unwrap_or_else(|| undecorated(text, cell));
            let value = |cell| Value { span: told(cell), uncertain: false };
            Some(cells.map(value).filter(|value| !value.span.is_empty()).collect())
        }
        Separator::Equals | Separator::Colon | Separator::Blank => {
            let values = unquoted(search, context, notation, separator, start)?;
            // `user/pass: admin/secret) and so on`: a login is one whatever follows.
            Some(values.into_iter().map(|value| Value { uncertain: value.uncertain && second.is_none(), ..value }).collect())
        }
    }
}

/// `| A delay after a wrong password | done |`: there is none.
fn is_negated(before: &[u8]) -> bool {
    let word = before.trim_ascii_end().rsplit(|byte| !byte.is_ascii_alphabetic()).next().unwrap_or_default();
    before.ends_with(b" ") && NOT_ONE.has(&String::from_utf8_lossy(word).to_lowercase())
}

/// `""auth"":""x"",""parent"":192`, as a cell of CSV holds JSON.
fn in_doubled_quotes(text: &[u8], context: &Context, start: usize) -> Option<Span> {
    const QUOTE: &[u8] = b"\"\"";
    let name = context.name;
    let doubled = text[..name.start].ends_with(QUOTE) && text[name.end..].starts_with(QUOTE);
    let open = text[start..context.line.end].strip_prefix(QUOTE).filter(|_| doubled)?;
    let start = start + QUOTE.len();
    Some(Span::new(start, start + memchr::memmem::find(open, QUOTE)?))
}

/// Whether a text begins as what sets a variable of the environment does: `FILTER=`.
fn begins_variable(text: &[u8]) -> bool {
    let name = text.iter().take_while(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || **byte == b'_').count();
    name > 0 && text.get(name) == Some(&b'=')
}

/// Whether what stands behind a colon is a sentence that says what the default is: `defaults to x`, ``the password. Default: `x` ``.
fn tells_default(rest: &[u8]) -> bool {
    let rest = &rest[..rest.len().min(REACH)];
    let word = rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let sentence = word > 0 && rest.get(word) == Some(&b' ') && rest[word + 1..].first().is_some_and(u8::is_ascii_alphabetic);
    sentence && memchr::memmem::find(&rest.to_ascii_lowercase(), b"default").is_some()
}

/// Whether a literal behind a quoted name and a comma is the next word of a list: `"ENCRYPTBYKEY","ENCRYPTBYPASSPHRASE"`,
/// `'scope-14', 'token-14', 'alg-14'`.
fn is_listed(text: &[u8], context: &Context, value: Span) -> bool {
    let quote = |byte: Option<&u8>| matches!(byte, Some(b'"' | b'\''));
    let capitals = |span: Span| text[span.range()].iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_');
    let before = text[context.line.start..context.name.start].trim_ascii_end();
    let before = before_quote(before).unwrap_or(before).trim_ascii_end();
    let behind_word = before.strip_suffix(b",").is_some_and(|before| quote(before.trim_ascii_end().last()));
    let rest = text[value.end + 1..context.line.end].trim_ascii_start();
    let goes_on = rest.strip_prefix(b",").is_some_and(|rest| quote(rest.trim_ascii_start().first()));
    // `ssl(null, "password", "alias", "keys.jks")`: arguments of their own each, unless a flag is declared.
    let argument = before.strip_suffix(b",").filter(|_| !behind_word);
    let argument = argument.and_then(|before| before.rsplit(|byte| matches!(byte, b',' | b'(')).next());
    if goes_on && argument.is_some_and(|argument| !argument.trim_ascii_start().starts_with(b"&")) {
        return true;
    }
    // `Map.of("user", "app", "password", "x")` is a list of pairs.
    let is_word = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(byte);
    let words = [context.name, value].iter().all(|span| {
        let word = &text[span.range()];
        word.iter().all(is_word) && word.iter().any(|byte| b"-_".contains(byte))
    });
    // `'usernameAndPassword', 'customEapXml', 'derivedCredential'`
    let camels = [context.name, value].iter().all(|span| is_camel_words(&text[span.range()]));
    // `only(['username', 'email', 'password', 'token2'])`
    let last_of_many = behind_word && rest.starts_with(b"]") && memchr::memchr_iter(b',', before).count() > 1;
    capitals(context.name) && capitals(value) || last_of_many || (words || camels) && goes_on && (behind_word || before.ends_with(b"["))
}

/// Whether what stands before a quoted name offers it as one of two: `code ? "`.
fn is_choice(before: &[u8]) -> bool {
    let open = before_quote(before);
    open.is_some_and(|before| before.trim_ascii_end().ends_with(b"?"))
}

/// Where the value of ``Password: Enter `X` `` begins.
fn behind_verb(text: &[u8], start: usize, end: usize) -> usize {
    let word = text[start..end].iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let at = skip_blanks(text, start + word, end);
    let verb = ENTERING_VERBS.is(&text[start..start + word]);
    if verb && text[..end].get(at) == Some(&b'`') { at } else { start }
}

/// Whether a literal is all that a call is given to set a name to: `builder.password("x")`, `properties.setProperty("password", "x")`.
fn is_set(text: &[u8], context: &Context, value: Span) -> bool {
    let rest = text[value.end..context.line.end].get(1..).unwrap_or_default().trim_ascii_start();
    let closes = rest.starts_with(b")") || rest.starts_with(b", secret: true)");
    let call = || SETTING_CALLS.ends(call_before(&text[context.line.start..context.name.start]));
    closes && (text.get(context.name.end) == Some(&b'(') && is_setter(&text[context.name.range()]) || call())
}

/// `{default_pass, "x"}`, as settings in Erlang have it.
fn is_tuple(text: &[u8], context: &Context, value: Span) -> bool {
    let closes = text[value.end..context.line.end].get(1..).is_some_and(|rest| rest.trim_ascii_start().starts_with(b"}"));
    text[context.line.start..context.name.start].ends_with(b"{") && closes
}

/// Whether what comes before a name reads a variable of the environment, which may have a default: `os.environ.get("`.
fn reads_variable(before: &[u8]) -> bool {
    let call = call_before(before);
    ENVIRONMENT_CALLS.ends(call) || call.ends_with(b" env") || call.ends_with(b"=env")
}

/// `insert into sys_config values (2, 'sys.user.initPassword', 'X')`: a row of settings, which has the name of one and its value.
fn is_of_settings_row(before: &[u8], name: &[u8]) -> bool {
    let path = name.iter().any(|byte| matches!(byte, b'.' | b'_')) && !name.ends_with(b".");
    path && before_quote(before).is_some() && {
        const HEAD: usize = 512;
        let before = before[..before.len().min(HEAD)].trim_ascii_start().to_ascii_lowercase();
        before.starts_with(b"insert into") && memchr::memmem::find(&before, b"values").is_some()
    }
}

fn until(text: &[u8], start: usize, end: usize, stop: u8) -> Option<Span> {
    memchr::memchr(stop, &text[start..end]).map(|length| Span::new(start, start + length))
}

/// Length of the mark of a node of YAML before its value: `&name `.
fn anchor(rest: &[u8]) -> usize {
    let name = 1 + rest[1..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte)).count();
    let is_mark = rest.get(name) == Some(&b' ') && !rest[name..].trim_ascii_start().starts_with(b"=");
    if is_mark { name + 1 } else { 0 }
}

/// Marks of Markdown and HTML between separator and value: `**Password:** x`, `<code>x</code>`.
fn skip_decoration(text: &[u8], mut at: usize, end: usize) -> usize {
    loop {
        let rest = &text[at..end];
        let width = match rest {
            [b'*', b'*', b' ', ..] => 2,
            [b'*' | b'_', b' ', ..] => 1,
            [b'<', ..] => match tag(rest) {
                Some(width) => width,
                None => return at,
            },
            // `secret: &anchor "x"`
            [b'&', first, ..] if first.is_ascii_alphabetic() && text[..at].ends_with(b" ") && anchor(rest) > 0 => anchor(rest),
            [b'!', b'!', ..] => rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len()),
            _ if rest.starts_with(b"**") && !rest.starts_with(b"***") => 2,
            _ => return at,
        };
        at = skip_blanks(text, at + width, end);
    }
}

fn unquoted(search: &Search<'_>, context: &Context, notation: Notation, separator: Separator, start: usize) -> Option<Vec<Value>> {
    let text = search.text;
    let line = context.line;
    // `config['password'] = x`: the literal ends with the name.
    let closed = matches!(text.get(context.name.end), Some(b'"' | b'\'' | b'`'));
    let literal = !closed && inside_literal(text, line, context.name.start);
    if let Some(literal) = passed_on(text, start, line.end) {
        return Some(sure(literal));
    }
    // `'spring:\n  password: x\n'`
    if separator == Separator::Colon
        && !notation.takes_bare_values()
        && bare::begins_escaped_line(&text[line.start..context.label().name.start])
    {
        let span = bare::to_escaped_end(text, start, line.end);
        return Some(if span.is_empty() { Vec::new() } else { sure(span) });
    }
    let variable = separator == Separator::Equals && bare::is_of_variable(&text[line.start..context.name.start]);
    if let Some(default) = bare::closed_default(text, start, line.end).filter(|default| variable && !default.is_empty()) {
        return Some(sure(default));
    }
    if let Some(values) = typed_or_called(text, start, line.end, notation) {
        return values;
    }
    // `print("密码：123456")`
    let said = separator == Separator::Colon && !text[context.name.range()].is_ascii();
    let in_text = literal && (separator == Separator::Equals || said);
    let in_example = || {
        is_shell_line(text, context)
            || separator == Separator::Colon && (is_yaml_line(text, context, start) || embedded::is_yaml(search, line))
    };
    if !in_text && !notation.takes_bare_values() && !in_example() {
        return None;
    }
    // `- PASSWORD= #optional`
    if text[start] == b'#' && notation.is_settings() && text[..start].ends_with(b" ") {
        return None;
    }
    let stop = stop(text, context.label(), literal);
    let span = bare(text, start, line.end, stop, notation);
    let rest = text[span.end..line.end].trim_ascii();
    let goes_on = stop == Stop::AtBlank && separator != Separator::Blank && !rest.is_empty() && !ends_value(rest);
    let shell = notation == Notation::Lines || text.get(context.name.end) == Some(&b'=');
    let uncertain = goes_on && !shell;
    if uncertain && separator == Separator::Colon && notation == Notation::Yaml {
        // A plain scalar of several words is one value, and prose.
        return None;
    }
    Some(vec![Value { span: trim_end(text, span, notation), uncertain }])
}

/// `export NAME=` or `NAME=` at the start of a line, as in scripts inside other files.
fn is_shell_line(text: &[u8], context: &Context) -> bool {
    let before = text[context.line.start..context.name.start].trim_ascii();
    let capitals = !text[context.name.range()].iter().any(u8::is_ascii_lowercase);
    let attached = matches!(&text[context.name.end..context.line.end], [b'=', value, ..] if !value.is_ascii_whitespace());
    attached && (before == b"export" || before.is_empty() && capitals)
}

/// `api_key: 5eb86c91…`, as examples in the comments of programs have it: nothing but a name and
/// what only a generator makes.
fn is_yaml_line(text: &[u8], context: &Context, start: usize) -> bool {
    let before = text[context.line.start..context.name.start].trim_ascii();
    let value = text[start..context.line.end].trim_ascii_end();
    let generated = value.iter().any(u8::is_ascii_digit)
        && value.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'/' | b'='))
        && value.len() >= 16
        && (randomness::is_random(value) || judge::is_uuid(value));
    matches!(before, b"" | b"-" | b"*" | b"#" | b"//") && generated
}
