//! Secrets in sentences: `the password is X`, ``use `X` as the password``. Sentences that name a user
//! as well are read in `login`.

mod ahead;
mod below;
mod joint;
mod later;
mod message;

use ahead::{ahead, is_used_as};
use below::{announced, under};
use joint::Joint;
use later::{default_in_brackets, default_told, is_foreign, told_later};
use message::{in_description, in_literal, in_message, in_remark, is_described, is_in_message, is_label, is_remark};

use super::name::{Context, NameClass};
use crate::detect::search::Search;
use crate::detect::syntax::hints::Notation;
use crate::detect::syntax::line;
use crate::detect::syntax::named::Value;
use crate::detect::syntax::quote::inside_literal;
use crate::detect::syntax::sentence::{REACH, marked, unpunctuated, words_of};
use crate::detect::worth::randomness::{self, is_generated, is_unlike_others};
use crate::detect::worth::{judge, weak, words};
use crate::rule::Confidence;
use crate::rule::lexicon::{
    ABOUT, ACCOUNTS, BEFORE_VERBS, BOTH, CHANGING, DEFAULTS, DENIALS, NOUNS, PARTICLES, PASSWORDS, SETTLES, USERS, VALUE_NAMES,
};
use crate::text::Span;

/// Words looked at behind a name.
const WORDS: usize = 12;

/// What the text around a name says that it is: a sentence, or a message of a program.
pub(super) fn values(search: &Search<'_>, context: &Context) -> Vec<Value> {
    let message = || search.notation_at(context.line) == Notation::Source && !is_attribute_value(search.text, context);
    if is_sentence(search, context) {
        in_sentence(search, context)
    } else if is_label(search, context) || message() && is_in_message(search.text, context) {
        in_message(search, context)
    } else if is_remark(search, context) {
        in_remark(search, context)
    } else if is_foreign(search, context) && inside_literal(search.text, context.line, context.name.start) {
        in_literal(search, context)
    } else if is_described(search, context) {
        in_description(search, context)
    } else {
        Vec::new()
    }
}

/// Whether a name can be a word of a sentence.
pub(super) fn is_sentence(search: &Search<'_>, context: &Context) -> bool {
    let prose = matches!(search.notation_at(context.line), Notation::Prose | Notation::Unknown);
    // `<%= password_field f, :password %>` is a program's.
    let code = search.bytes(context.line).trim_ascii_start().starts_with(b"<%");
    // `DB_PASSWORD=mysecretpassword postgres:16`: what is set is no name.
    let set = search.text[..context.name.start].ends_with(b"=") && !search.bytes(context.name).contains(&b'_');
    prose && !code && !set && !is_attribute_value(search.text, context)
}

/// What stands after a name, or before it, or below it.
fn in_sentence(search: &Search<'_>, context: &Context) -> Vec<Value> {
    let values = behind(search, context);
    if !values.is_empty() {
        return values;
    }
    let told = || default_told(search, context).or_else(|| default_in_brackets(search, context));
    if let Some(value) = told_later(search, context).or_else(told) {
        return vec![value];
    }
    let other = ahead(search.text, context).or_else(|| under(search, context)).or_else(|| announced(search, context));
    let typed = |value: &Value| is_used_as(search.text, context, value.span) && weak::is_literal(search.bytes(value.span));
    other.filter(|value| worth(search, context, value.span) >= Some(Confidence::Medium) || typed(value)).into_iter().collect()
}

/// `column="password"`: what an element's attribute holds.
fn is_attribute_value(text: &[u8], context: &Context) -> bool {
    let before = &text[context.line.start..context.name.start];
    let open = before.ends_with(b"=\"") || before.ends_with(b"='");
    open && before.contains(&b'<') && matches!(text.get(context.name.end), Some(b'"' | b'\''))
}

fn worth(search: &Search<'_>, context: &Context, span: Span) -> Option<Confidence> {
    judge::judge(search.bytes(span), context.class.judge()).map(|verdict| verdict.confidence)
}

/// `password X`, `password is X`, `password was changed to X`, `token for the API: X`.
///
/// Two at most, as in `was X and is now Y`.
fn behind(search: &Search<'_>, context: &Context) -> Vec<Value> {
    let text = search.text;
    let end = context.line.end.min(context.name.end + REACH);
    if is_denied(&text[context.line.start..context.name.start]) {
        return Vec::new();
    }
    // `to pass the token`: a verb, unless something ties a value to it; ``user `ro`, pass `X` `` is a list.
    let pass = search.bytes(context.name).eq_ignore_ascii_case(b"pass");
    // ``you need to pass the name: `config=mine` ``
    let handed = || {
        BEFORE_VERBS.is(text[context.line.start..context.name.start]
            .trim_ascii_end()
            .rsplit(|byte| *byte == b' ')
            .next()
            .unwrap_or_default())
    };
    if pass && handed() {
        return Vec::new();
    }
    if pass && text[context.line.start..context.name.start].trim_ascii_end().last().is_some_and(|byte| b",/(|:".contains(byte)) {
        let next = line::trim(text, Span::new(context.name.end, end));
        // ``(user `root`, pass `toor1`)``
        let beside_user = names_user(&text[context.line.start..context.name.start]);
        let fits = |&span: &Span| is_generated(search.bytes(span)) || beside_user && weak::is_literal(search.bytes(span));
        let value = marked(text, next, end).filter(fits);
        return value.map(|span| Value { span, uncertain: false }).into_iter().collect();
    }
    let mut found: Vec<Value> = Vec::new();
    // `` `DB_PASS` default value is X ``, `` `DB_PASS`: defaults to `X` ``
    let close = text[context.name.end..end].iter().take_while(|byte| matches!(byte, b'`' | b':')).count();
    let closers = if text[context.name.end + close..end].starts_with(b" default") { close } else { 0 };
    let parted = text.get(context.name.end + closers).is_some_and(u8::is_ascii_whitespace);
    let mut joint = match parted {
        true if pass => Joint::None,
        true => Joint::Direct,
        false => Joint::Quoted,
    };
    let particles = PARTICLES.iter().filter(|particle| text[context.name.end..end].starts_with(particle.as_bytes()));
    let particle = particles.max_by_key(|particle| particle.len());
    let start = context.name.end + particle.map_or(if parted { closers } else { 0 }, |particle| particle.len());
    // `密码123456`
    // `密码harbour123`
    let word = text[start..end].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let odd = || word >= 6 && text[start].is_ascii_lowercase() && text[start..start + word].iter().any(u8::is_ascii_digit);
    if is_foreign(search, context) && odd() {
        return vec![Value { span: Span::new(start, start + word), uncertain: false }];
    }
    let attached = is_foreign(search, context) && text[start..end].first().is_some_and(u8::is_ascii_digit);
    if attached || particle.is_some() {
        joint = Joint::Verb;
    }
    // `用户名(admin)密码(123456)`
    if is_foreign(search, context)
        && text[start..end].starts_with(b"(")
        && let Some(length) = memchr::memchr(b')', &text[start..end])
    {
        let span = Span::new(start + 1, start + length);
        let fits = weak::is_literal(search.bytes(span)) && search.bytes(span).iter().any(u8::is_ascii_digit);
        return if fits { vec![Value { span, uncertain: false }] } else { Vec::new() };
    }
    let words = words_of(text, Span::new(start, end));
    if words.first().is_some_and(|&word| is_noun(search.bytes(unpunctuated(text, word)))) {
        return Vec::new();
    }
    for (count, word) in words.into_iter().take(WORDS).enumerate() {
        let bytes = &text[word.range()];
        let marked = marked(text, word, context.line.end);
        let set_to = joint == Joint::To && (is_set_to(&text[start..word.start]) || count == 1 && is_set(search, context));
        match marked {
            // ``pass a text to `@OneToOne` `` hands something on.
            Some(span)
                if joint != Joint::None && !(pass && joint == Joint::To) && worth(search, context, span) >= Some(Confidence::Medium) =>
            {
                found.push(Value { span, uncertain: false });
            }
            // ``the token has the form of `X` ``, which can be nothing else
            Some(span) if joint == Joint::None && context.class == NameClass::Token && is_unlike_others(search.bytes(span)) => {
                found.push(Value { span, uncertain: true });
            }
            // ``with the password set to `admin` ``
            Some(span) if (joint.points() || set_to) && is_weak(search, context, start, span) => {
                found.push(Value { span, uncertain: false })
            }
            _ => {}
        }
        let bare = unpunctuated(text, word);
        // `is **admin**`, `is _admin_`, `password ***admin***`; `with password **harbour77**`, since words have no digits.
        let odd = || bytes.starts_with(b"**") && search.bytes(bare).iter().any(u8::is_ascii_digit);
        let strong = bytes.starts_with(b"***") || joint != Joint::Direct && matches!(bytes[0], b'*' | b'_') || odd();
        if found.is_empty() && strong && bare.start > word.start && joint.points() && is_weak(search, context, start, bare) {
            found.push(Value { span: bare, uncertain: false });
            break;
        }
        // `defaults to **guest**`
        if found.is_empty() && set_to && bytes.starts_with(b"**") && is_weak(search, context, start, bare) {
            found.push(Value { span: bare, uncertain: false });
            break;
        }
        let last = matches!(text[word.end..context.line.end].trim_ascii_start(), [] | [b'(', ..]);
        if found.is_empty()
            && marked.is_none()
            && joint.lets_bare(count, last)
            && !(pass && joint == Joint::To)
            && is_bare_secret(search.bytes(bare), joint)
            && worth(search, context, bare) >= Some(Confidence::Medium)
        {
            // `your secret key is: 65SANAUX4QX7OM5F`, and no more.
            let ends = joint == Joint::Verb && text[word.end..context.line.end].trim_ascii().is_empty();
            // `密码为harbour`
            let told = || is_foreign(search, context) && weak::is_literal(search.bytes(bare));
            let said = ends && (randomness::is_random(search.bytes(bare)) || told());
            found.push(Value { span: bare, uncertain: !said });
            break;
        }
        // `the default password is Password1!`
        let by_default = || text[word.end..context.line.end].trim_ascii_start().starts_with(b"by default");
        let foreign = is_foreign(search, context);
        let ends = || last || bytes.ends_with(b".") || by_default() || foreign;
        // `密码 admin123`, `password is set to admin123`
        let tied = joint == Joint::Verb || joint == Joint::To && count <= 3 || joint == Joint::Direct && foreign;
        // `password - foobar`
        let labelled = joint == Joint::Label && last && count == 1 && weak::is_known(search.bytes(bare));
        if found.is_empty() && marked.is_none() && (tied && ends() && is_weak_and_bare(search, context, bare) || labelled) {
            found.push(Value { span: bare, uncertain: false });
            break;
        }
        // ``- `master_password` -> `password` ``: a new name.
        let renamed = count <= 1 && text[context.name.end] == b'`' && matches!(bytes, b"->" | b"=>" | b"\xe2\x86\x92");
        // `password/data-hash: x`: the colon is another name's; `password ? 'a' : 'b'`: a choice.
        if is_field(bytes) || bytes == b"?" || renamed {
            break;
        }
        let unspaced = || std::str::from_utf8(bytes).is_ok_and(|word| word.len() <= 32 && PARTICLES.iter().any(|end| word.ends_with(end)));
        // ``with a password of `X` ``; ``the password of `root` `` is somebody's.
        let of = || count == 0 && bytes == b"of" && is_given(&text[context.line.start..context.name.start], &text[word.end..end]);
        joint = if of() {
            Joint::Label
        } else if !parted && unspaced() {
            // `，其值为`
            Joint::Verb
        } else if joint == Joint::Quoted && BOTH.is(bytes) {
            // ``The user and the password are both `X`.``
            Joint::Label
        } else if count == 0 && !parted && bytes.iter().any(u8::is_ascii_alphanumeric) {
            Joint::None
        } else {
            Joint::of(bytes, count)
        };
        let stops = bytes.ends_with(b".") || bytes.ends_with(b";") && found.is_empty();
        if stops || found.len() == 2 {
            break;
        }
    }
    found
}

/// `admin123`, `Password1!`, `postgres`: what everybody tries first, and no word of a sentence.
fn is_weak_and_bare(search: &Search<'_>, context: &Context, span: Span) -> bool {
    let value = search.bytes(span);
    let letters = value.iter().any(u8::is_ascii_alphabetic);
    // `密码为123456`
    let digits = || is_foreign(search, context) && value.len() >= 6;
    let odd = (letters || digits()) && value.iter().any(u8::is_ascii_digit) && weak::is_known(value);
    let account = || ACCOUNTS.has(&String::from_utf8_lossy(value)) && weak::is_known(value);
    let lower = value.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    // ``The default value of `DB_PASS` is harbourpass``; `密码 harbour77`
    // `账号密码都是nacos`
    let both = || {
        let between = String::from_utf8_lossy(&search.text[context.name.end..span.start]);
        is_foreign(search, context) && BOTH.ends(between.as_bytes())
    };
    // `默认密码为 harbour`
    let first = || is_foreign(search, context) && DEFAULTS.ends(&search.text[context.line.start..context.name.start]);
    // `密码为harbour`, and no more
    let attached = || {
        let line_end = &search.text[span.end..context.line.end];
        is_foreign(search, context) && !search.text[span.start - 1].is_ascii() && value.len() > 4 && line_end.trim_ascii().is_empty()
    };
    let default = || is_default_of_variable(search, context, span) || both() || first() || attached();
    let told = || default() && lower && weak::is_literal(value);
    let foreign = || is_foreign(search, context) && letters && lower && value.iter().any(u8::is_ascii_digit) && value.len() >= 6;
    context.class == NameClass::Password && (odd || account() || told() || foreign() && weak::is_literal(value))
}

/// ``a password of `X` ``, ``the default password of `X`.``, and not ``the default password of `root` is``.
fn is_given(before: &[u8], of: &[u8]) -> bool {
    let default = before.ends_with(b"default ");
    let ends = || {
        let rest = of.trim_ascii_start().strip_prefix(b"`").unwrap_or_default();
        let code =
            || of.trim_ascii_start().strip_prefix(b"<code>").and_then(|rest| Some(&rest[memchr::memmem::find(rest, b"</code>")? + 7..]));
        let behind = memchr::memchr(b'`', rest).map(|close| &rest[close + 1..]).or_else(code).map(<[u8]>::trim_ascii_start);
        behind.is_some_and(|behind| behind.first().is_none_or(|byte| b".,;)".contains(byte)))
    };
    [&b" a "[..], b" with the "].iter().any(|end| before.ends_with(end)) || default && ends()
}

/// `set to `, `defaults to `
fn is_set_to(between: &[u8]) -> bool {
    SETTLES.ends(between.trim_ascii())
}

/// `Set the password to `: whether a verb before the name sets it.
fn is_set(search: &Search<'_>, context: &Context) -> bool {
    let start = context.line.start.max(context.name.start.saturating_sub(REACH));
    let before = search.text[start..context.name.start].to_ascii_lowercase();
    let mut words = before.rsplit(|byte| !byte.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).take(6);
    words.any(|word| CHANGING.is(word))
}

/// Whether a sentence says what a variable of the environment is by default.
fn is_default_of_variable(search: &Search<'_>, context: &Context, value: Span) -> bool {
    let name = search.bytes(context.name);
    let variable = name.contains(&b'_') && !name.iter().any(u8::is_ascii_lowercase);
    let between = search.text[context.name.end..value.start].to_ascii_lowercase();
    variable && memchr::memmem::find(&between, b"default").is_some()
}

/// Whether a user is named in marks before a place on its line.
fn names_user(before: &[u8]) -> bool {
    let before = before.to_ascii_lowercase();
    let named = |word: &[u8]| memchr::memmem::find(&before, word).is_some_and(|at| before[at + word.len()..].contains(&b'`'));
    [&b"user"[..], b"login"].iter().any(|word| named(word))
}

/// A literal without capitals that a sentence names as the password, though a weak one. Between the two stand no
/// comma and nothing that the sentence could be about instead.
fn is_weak(search: &Search<'_>, context: &Context, start: usize, span: Span) -> bool {
    let value = search.bytes(span);
    let between = String::from_utf8_lossy(&search.text[start..span.start]).to_lowercase();
    // `the password, which is …`
    let between = between.strip_prefix(", which ").unwrap_or(&between);
    // ``the default password (`x`)``
    let default = || {
        let start = context.line.start.max(context.name.start.saturating_sub(REACH));
        let before = search.text[start..context.name.start].trim_ascii_end().to_ascii_lowercase();
        [&b"default"[..], b"initial", b"admin", b"root"].iter().any(|word| before.ends_with(word))
    };
    let between = between.strip_suffix("(`").filter(|_| default()).unwrap_or(between);
    // ``管理员密码，管理员用户名为 `boss` ``
    if is_foreign(search, context) && USERS.iter().any(|user| !user.is_ascii() && between.contains(user)) {
        return false;
    }
    let about = |word: &str| ABOUT.has(word) && !matches!(word, "user" | "login" | "default" | "set" | "host" | "username");
    let plain = !between.contains([',', '(', ';']) && !between.split(|c: char| !c.is_alphanumeric()).any(about);
    let text = String::from_utf8_lossy(value);
    let is = between.trim_end_matches(|c: char| !c.is_alphanumeric()).ends_with("is");
    let word = |word: &str| word == "password" || is && word == "secret";
    // ``- `SHOP_PASSWORD`: defaults to `boat_club` ``
    let joined = || weak::is_joined_choice(value) && (is_default_of_variable(search, context, span) || is_set(search, context));
    let named = (VALUE_NAMES.has(&text) || PASSWORDS.has(&text)) && !word(&text) || value.contains(&b'_') || value.starts_with(b"-");
    let named = named && !joined();
    // `PurpleCandle`: words that name nothing.
    let titled = || {
        let words = words::words(&text);
        words.len() > 1 && !words.iter().any(|word| VALUE_NAMES.has(word) || PASSWORDS.has(word) || ABOUT.has(word))
    };
    let capital = value.iter().any(u8::is_ascii_uppercase);
    context.class == NameClass::Password && plain && !named && (!capital || titled()) && (weak::is_literal(value) || joined())
}

/// `no password`, `without a password`: there is none; `unexpected token`: of a program's text.
fn is_denied(before: &[u8]) -> bool {
    let mut words = before.rsplit(|byte| byte.is_ascii_whitespace()).filter(|word| !word.is_empty());
    let word = words.next().filter(|word| !matches!(*word, b"a" | b"any")).or_else(|| words.next()).unwrap_or_default();
    DENIALS.is(word)
}

/// `password file`, `key fingerprint`: the sentence is about something else.
fn is_noun(word: &[u8]) -> bool {
    let word = word.strip_suffix(b":").unwrap_or(word);
    NOUNS.is(word)
}

/// A field of an object: `"user": {`.
fn is_field(word: &[u8]) -> bool {
    word.ends_with(b"\":") || matches!(word, [b'{' | b'[', b'"' | b'{', ..]) || word.starts_with(b"{") && word.ends_with(b":")
}

/// Whether a word without quotes reads as no word of a sentence: no markup or flag, and after
/// anything but a verb digits together with capitals or symbols.
fn is_bare_secret(word: &[u8], joint: Joint) -> bool {
    let clean = !word
        .iter()
        .any(|byte| matches!(byte, b'|' | b'(' | b')' | b'[' | b']' | b'<' | b'>' | b'{' | b'}' | b',' | b'/' | b'\\' | b'`' | b'"'))
        && !word.starts_with(b"-");
    let digit = word.iter().any(u8::is_ascii_digit);
    let mixed = digit
        && word.iter().any(|byte| byte.is_ascii_uppercase() || byte.is_ascii_punctuation() && !matches!(byte, b'-' | b'.' | b'_' | b'\''));
    let code = !word.iter().any(|byte| byte.is_ascii_lowercase() || byte.is_ascii_punctuation());
    let mixed = mixed && (joint != Joint::Direct || !code || randomness::is_random(word));
    clean
        && (joint == Joint::Verb
            || mixed
            || joint == Joint::Label && digit
            || matches!(joint, Joint::Label | Joint::To) && randomness::is_random(word))
}
