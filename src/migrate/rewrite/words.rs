//! Names for secrets from the words around them.

use crate::migrate::file::{Site, SourceFile};
use crate::migrate::naming;
use crate::rule::Kind;
use crate::text::Span;

/// What sort of secret it is, in one word.
pub(super) fn kind(site: &Site) -> &'static str {
    match site.rule.kind {
        Kind::Password | Kind::ConnectionUrl => "password",
        Kind::PrivateKey => "private_key",
        Kind::Token | Kind::Identifier | Kind::Hash => "token",
    }
}

/// The name that the value is assigned to on its line, as written: `NAME=`, `name: `, `"name" => `.
pub(super) fn assigned(text: &str, span: Span) -> Option<&str> {
    let start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let whole = &text[start..span.start];
    // `user:value` assigns nothing.
    if whole.ends_with(':') {
        return None;
    }
    let before = whole.trim_end_matches(['"', '\'', '`', ' ', '\t']);
    let before = before.strip_suffix("=>").or_else(|| before.strip_suffix(":=")).or_else(|| before.strip_suffix(['=', ':']))?;
    let before = before.trim_end_matches(['"', '\'', '`', ' ', '\t', ']']);
    let from = start_behind(before, |c| !(c.is_alphanumeric() || "_-.".contains(c)));
    let name = before[from..].trim_matches(['-', '.']);
    // Of a word in other letters, no part is its name.
    (name.is_ascii() && name.bytes().any(|byte| byte.is_ascii_alphabetic())).then_some(name)
}

/// Where what follows the last of some characters starts; characters can be several bytes long.
pub(super) fn start_behind(text: &str, is_end: impl Fn(char) -> bool) -> usize {
    text.char_indices().rev().find(|(_, c)| is_end(*c)).map_or(0, |(at, c)| at + c.len_utf8())
}

/// Names that values of any sort are given.
const SAYS_NOTHING: [&str; 8] = ["", "default", "value", "val", "data", "text", "string", "content"];
/// Names that many files have.
const COMMON: [&str; 8] = ["readme", "index", "notes", "main", "values", "kustomization", "docker_compose", "compose"];

/// Whether the name of a variable says nothing of what it is for.
pub(super) fn is_generic(variable: &str) -> bool {
    // The last of them mean something to clients, and people have them set.
    const GENERIC: [&str; 16] = [
        "KEY",
        "LOGIN",
        "PASS",
        "PASSWD",
        "PASSWORD",
        "PSK",
        "SECRET",
        "TOKEN",
        "USERNAME",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "GH_TOKEN",
        "GITHUB_TOKEN",
        "MYSQL_PWD",
        "PGPASSWORD",
        "VAULT_TOKEN",
    ];
    GENERIC.contains(&variable)
}

/// A variable for a name; one that says nothing is told by its file.
pub(super) fn variable(name: &str, file: &SourceFile) -> String {
    let variable = naming::variable(name);
    if is_generic(&variable) { naming::variable(&format!("{}_{variable}", of_file(file))) } else { variable }
}

/// A name for a secret: what it is assigned to, else the scheme of the URL it is in, else what its rule is about.
pub(super) fn name(text: &str, site: &Site) -> String {
    if let Some(scheme) = scheme(text, site.span) {
        return format!("{scheme}_password");
    }
    let telling = |name: &str| Some(naming::slug(name)).filter(|name| !SAYS_NOTHING.contains(&name.as_str()));
    let assigned = assigned(text, site.span).and_then(telling);
    assigned
        .or_else(|| labelled(text, site.span).and_then(telling))
        .or_else(|| setting(text, site))
        .or_else(|| sql_user(text, site))
        .unwrap_or_else(|| by_rule(site))
}

/// What stands beside a value in the place of a name: `<string name="api_key">VALUE`, `<apiKey>VALUE`, `key="api_key" value="VALUE"`,
/// `"key": "api_key", "value": "VALUE"`, there also on the line before.
fn labelled(text: &str, span: Span) -> Option<&str> {
    let start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let before = text[start..span.start].trim_end();
    if let Some(tag) = before.strip_suffix('>').and_then(|tag| tag.rsplit_once('<')).map(|(_, tag)| tag) {
        let element = || {
            let name = tag.split_whitespace().next()?.rsplit(':').next()?;
            naming::slug(name).rsplit('_').next().is_some_and(|last| KINDS.contains(&last)).then_some(name)
        };
        return beside(tag).or_else(element).filter(|name| name.is_ascii());
    }
    let pair = before.trim_end_matches(['"', '\'']).trim_end_matches([' ', ':', '=']).trim_end_matches(['"', '\'']);
    let pair = pair.strip_suffix("value").or_else(|| pair.strip_suffix("Value"))?;
    let above = text[..start].trim_end().rsplit('\n').next().unwrap_or_default();
    beside(pair.rsplit(['<', '{']).next()?).or_else(|| beside(above))
}

/// What a part of a text names as its name or key.
fn beside(part: &str) -> Option<&str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let value = |name: &str| {
        let at = part.find(name).filter(|at| !part[..*at].ends_with(is_word))?;
        let rest = part[at + name.len()..].trim_start_matches(['"', '\'']).trim_start();
        let rest = rest.strip_prefix([':', '='])?.trim_start().trim_start_matches(['"', '\'']);
        let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
        Some(&rest[..end]).filter(|word| word.bytes().any(|byte| byte.is_ascii_alphabetic()))
    };
    ["name", "key", "Name", "Key"].into_iter().find_map(value)
}

/// The first word of a line that is nothing but it and the value, as in `requirepass VALUE`.
fn setting(text: &str, site: &Site) -> Option<String> {
    let start = text[..site.span.start].rfind('\n').map_or(0, |at| at + 1);
    let before = text[start..site.span.start].trim_matches([' ', '\t', '"', '\'']);
    let rest = text[site.span.end..].split('\n').next().unwrap_or_default().trim_matches([' ', '\t', '\r', '"', '\'', ';']);
    let is_word = !before.is_empty() && before.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    (is_word && rest.is_empty() && before.starts_with(|c: char| c.is_ascii_alphabetic())).then(|| naming::slug(before))
}

/// The user whom a statement of SQL gives a password: `CREATE USER 'app'@'%' IDENTIFIED BY VALUE`.
fn sql_user(text: &str, site: &Site) -> Option<String> {
    let start = text[..site.span.start].rfind([';', '\n']).map_or(0, |at| at + 1);
    let mut words = text[start..site.span.start].split_whitespace();
    words.by_ref().find(|word| word.eq_ignore_ascii_case("create") || word.eq_ignore_ascii_case("alter"))?;
    words.by_ref().find(|word| ["user", "role", "login"].iter().any(|kind| word.eq_ignore_ascii_case(kind)))?;
    let is_particle = |word: &&str| ["if", "not", "exists"].iter().any(|known| word.eq_ignore_ascii_case(known));
    let user = words.find(|word| !is_particle(word))?.split('@').next()?;
    let user = naming::slug(user);
    (!user.is_empty() && site.rule.kind == Kind::Password).then(|| format!("{user}_password"))
}

/// What the last words of names of secrets are.
const KINDS: [&str; 21] = [
    "authorization",
    "certificate",
    "cookie",
    "credential",
    "credentials",
    "dsn",
    "hash",
    "hook",
    "jwt",
    "key",
    "pass",
    "passphrase",
    "password",
    "pat",
    "pin",
    "pwd",
    "salt",
    "secret",
    "token",
    "url",
    "webhook",
];

/// A name from the rule that found it.
pub(super) fn by_rule(site: &Site) -> String {
    if let Some(variable) = site.rule.env {
        return naming::slug(variable);
    }
    let id = ["weak-", "call-"].iter().find_map(|prefix| site.rule.id.strip_prefix(prefix)).unwrap_or(site.rule.id);
    let id = naming::slug(id);
    let words: Vec<&str> = id.split('_').collect();
    match words.as_slice() {
        ["generic", ..] | [] => kind(site).to_owned(),
        [.., last] if KINDS.contains(last) => id,
        [first, ..] if KINDS.contains(first) || kind(site).starts_with(first) => kind(site).to_owned(),
        [first, ..] => format!("{first}_{}", kind(site)),
    }
}

/// The scheme of the URL that a password is in.
fn scheme(text: &str, span: Span) -> Option<String> {
    let start = start_behind(&text[..span.start], |c| c.is_whitespace() || c == '"' || c == '\'');
    let before = &text[start..span.start];
    let (head, user) = before.rsplit_once("://")?;
    let scheme = head.rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '+')).next()?;
    let fits = user.contains(':') && !user.contains('/') && !scheme.is_empty();
    fits.then(|| {
        let base = scheme.split('+').next().unwrap_or(scheme).to_ascii_lowercase();
        match base.as_str() {
            "postgresql" => "postgres".to_owned(),
            "mongodb" => "mongo".to_owned(),
            "amqps" | "amqp" => "rabbitmq".to_owned(),
            "rediss" => "redis".to_owned(),
            "https" => "http".to_owned(),
            _ => base,
        }
    })
}

/// A word for a file: its stem, or its folder if many files have such a name.
pub(super) fn of_file(file: &SourceFile) -> String {
    let name = file.name();
    let stem = naming::slug(name.trim_start_matches('.').split('.').next().unwrap_or(name));
    let folder = file.folder().trim_end_matches('/').rsplit('/').next().map(naming::slug).filter(|folder| !folder.is_empty());
    let says_nothing = COMMON.contains(&stem.as_str()) || !stem.bytes().any(|byte| byte.is_ascii_alphabetic());
    let name = folder.filter(|_| says_nothing).unwrap_or(stem);
    // Of a name in other letters nothing is left.
    if name.is_empty() { "file".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assigned_in(line: &str) -> Option<&str> {
        let at = line.find("SECRET").expect("is there");
        assigned(line, Span::new(at, at + 6))
    }

    #[test]
    fn names_stand_before_the_value() {
        assert_eq!(assigned_in("DB_PASSWORD=SECRET"), Some("DB_PASSWORD"));
        assert_eq!(assigned_in("x\n  password: \"SECRET\""), Some("password"));
        assert_eq!(assigned_in("\"api.key\" : 'SECRET'"), Some("api.key"));
        assert_eq!(assigned_in("h['tok'] => 'SECRET'"), Some("tok"));
        assert_eq!(assigned_in("redis-cli -a SECRET"), None);
        assert_eq!(assigned_in("curl -u ci:SECRET"), None);
        for (line, name) in [
            ("hasło: `SECRET`", None),
            ("contraseña: SECRET", None),
            ("密码: SECRET", None),
            ("пароль=SECRET", None),
            ("é\u{3000}tok=SECRET", Some("tok")),
        ] {
            assert_eq!(assigned_in(line), name, "{line}");
        }
    }

    #[test]
    fn names_stand_beside_the_value() {
        fn beside(text: &str) -> Option<&str> {
            labelled(text, Span::new(text.find("SECRET").expect("is there"), text.len()))
        }
        for (text, name) in [
            ("<string name=\"api_key\">SECRET", Some("api_key")),
            ("  <apiKey>SECRET", Some("apiKey")),
            ("<ns:apiKey scope=\"x\">SECRET", Some("apiKey")),
            ("<add key=\"MailPassword\" value=\"SECRET", Some("MailPassword")),
            ("{\"key\": \"token\", \"value\": \"SECRET", Some("token")),
            ("- name: DB_PASSWORD\n  value: SECRET", Some("DB_PASSWORD")),
            ("value: SECRET", None),
            ("<td>SECRET", None),
            ("<a href=\"https://x.y/z\">SECRET", None),
            ("token: SECRET", None),
        ] {
            assert_eq!(beside(text), name, "{text}");
        }
    }

    #[test]
    fn urls_name_their_service() {
        let scheme_of = |line: &str| scheme(line, Span::new(line.find("SECRET").expect("is there"), line.len()));
        assert_eq!(scheme_of("U=postgresql+psycopg://app:SECRET"), Some("postgres".to_owned()));
        assert_eq!(scheme_of("redis://:SECRET"), Some("redis".to_owned()));
        assert_eq!(scheme_of("łącze\u{3000}redis://:SECRET"), Some("redis".to_owned()));
        assert_eq!(scheme_of("see https://x.y/SECRET"), None);
    }
}
