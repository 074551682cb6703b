//! What a name means: a password, a token, or neither.

use std::cell::RefCell;
use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::detect::worth::lexicon::{ABOUT, KEY_QUALIFIERS, NO_TOKEN, NOT_ONE, PASSWORD_ENDINGS, PASSWORDS, TOKENS};
use crate::detect::worth::words::words;
use crate::rule::Cue;

/// The sort of secret a name promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::detect) enum NameClass {
    /// Typed by a person, or used as if.
    Password,
    /// Issued to a machine.
    Token,
}

thread_local! {
    /// Names come again and again, in every version of a file.
    static KNOWN: RefCell<HashMap<Box<[u8]>, (Cue, Option<NameClass>), RandomState>> = RefCell::default();
}

/// What a name means, if it means a secret at all.
pub(super) fn class_of_bytes(name: &[u8], cue: Cue) -> Option<NameClass> {
    const MOST: usize = 4096;
    KNOWN.with_borrow_mut(|known| {
        if let Some((_, class)) = known.get(name).filter(|(known, _)| *known == cue) {
            return *class;
        }
        let class = classify(&String::from_utf8_lossy(name), cue);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(name.into(), (cue, class));
        class
    })
}

/// The same of a text.
pub(super) fn classify(name: &str, cue: Cue) -> Option<NameClass> {
    let mut words = words(name);
    if cue == Cue::Token && words.len() == 2 && words == ["api", "key"] {
        return Some(NameClass::Token);
    }
    // `X-Amz-Credential`, `X-Goog-Credential`: who signed a URL, when and for what.
    if words.len() == 3 && words[0] == "x" && words[2] == "credential" {
        return None;
    }
    // git's setting for the ID of a key that signs.
    if words.last().is_some_and(|word| word == "signingkey") {
        return None;
    }
    // Half of the credentials of Vault's AppRole, and a token of Nomad and Consul.
    if cue == Cue::Token && words.ends_with(&["secret".to_owned(), "id".to_owned()]) {
        return Some(NameClass::Token);
    }
    // `APP_OTP_KEY_BASE`, as Rails has them.
    if cue == Cue::Token && words.len() > 2 && words.ends_with(&["key".to_owned(), "base".to_owned()]) {
        return Some(NameClass::Token);
    }
    // `POSTGRES_PASSWORD_2`, `old_password`
    while words.len() > 1 && words.last().is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_digit())) {
        words.pop();
    }
    let (at, class) = (0..words.len()).rev().find_map(|at| class_of(&words, at).map(|class| (at, class)))?;
    let is_other_pass = words[at] == "pass" && at > 0 && OTHER_PASSES.contains(&words[at - 1].as_str());
    let about = words[at + 1..].iter().any(|word| ABOUT.has(word) || is_agent(word));
    // What signs or encrypts cookies is no cookie.
    let no_token = |word: &str| class == NameClass::Token && NO_TOKEN.has(word) && !(word == "cookie" && words[at] == "secret");
    let negated = words[..at].iter().any(|word| NOT_ONE.has(word) || no_token(word));
    (!about && !negated && !is_other_pass).then_some(class)
}

/// Before `pass` these hand a request on, as in `proxy_pass`, or count runs over something.
const OTHER_PASSES: [&str; 15] = [
    "fastcgi",
    "proxy",
    "uwsgi",
    "scgi",
    "grpc",
    "memcached",
    "first",
    "second",
    "third",
    "last",
    "single",
    "multi",
    "render",
    "compiler",
    "boarding",
];

/// `refresher`, `validator`: does something with secrets and is none.
fn is_agent(word: &str) -> bool {
    word.len() > 5 && (word.ends_with("er") || word.ends_with("or")) && !matches!(word, "server" | "master" | "docker")
}

fn class_of(words: &[String], at: usize) -> Option<NameClass> {
    let word = words[at].as_str();
    let trimmed = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let ends = || PASSWORD_ENDINGS.iter().any(|ending| trimmed.strip_suffix(ending).is_some_and(|stem| !is_other_stem(stem)));
    if PASSWORDS.has(trimmed) || ends() {
        return Some(NameClass::Password);
    }
    let before = at.checked_sub(1).map(|before| words[before].as_str());
    let is_protocol = before == Some("o") && at == 1;
    if trimmed == "auth" && (at + 1 < words.len() || is_protocol) {
        return None;
    }
    if trimmed == "salt" && words.len() == 1 {
        return None;
    }
    if TOKENS.has(trimmed) || ["apikey", "token", "secret"].iter().any(|ending| trimmed.ends_with(ending) && trimmed.len() < 20) {
        return Some(NameClass::Token);
    }
    let keys = trimmed == "keys" && matches!(before, Some("api" | "unseal"));
    let key = trimmed == "key" && before.is_some_and(|before| KEY_QUALIFIERS.has(before));
    let run_together = trimmed.strip_suffix("key").is_some_and(|stem| stem.len() > 4 && KEY_QUALIFIERS.has(stem));
    let cookie = trimmed == "cookie" && before == Some("erlang") || trimmed == "erlangcookie";
    let tokens = trimmed == "tokens" && before.is_none_or(|before| !NOT_ONE.has(before));
    (key || keys || run_together || cookie || tokens).then_some(NameClass::Token)
}

/// Before a password's word, and written together with it, these make another word: `nopasswd`,
/// `genpwd`, and a product's name.
fn is_other_stem(stem: &str) -> bool {
    NOT_ONE.has(stem) || matches!(stem, "gen" | "write" | "merge" | "mk" | "set" | "1" | "one")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(name: &str) -> Option<NameClass> {
        classify(name, Cue::Password)
    }

    #[test]
    fn names_that_hold_passwords() {
        for name in [
            "password",
            "DB_PASSWORD",
            "adminPassword",
            "spring.datasource.password",
            "PGPASSWORD",
            "pgpass",
            "requirepass",
            "rabbitmq_pass",
            "ansible_become_pass",
            "MYSQL_ROOT_PASSWORD",
            "postgresPassword",
            "--db-password",
            "pwd",
            "PASSWORD_2",
            "contraseña",
            "пароль",
            "smtp_auth_password",
            "userPassword1",
            "passwordProd",
            "http.proxyPassword",
            "bind_pw",
            "mot_de_passe",
            "CACHE_PASSWORD",
            "kata sandi",
            "Şifre",
        ] {
            assert_eq!(class(name), Some(NameClass::Password), "{name}");
        }
    }

    #[test]
    fn names_that_hold_tokens() {
        for name in [
            "JWT_SECRET",
            "secret_key",
            "SECRET_KEY_BASE",
            "apiKey",
            "API_KEY",
            "client-secret",
            "SENTRY_AUTH",
            "erlangCookie",
            "routing_key",
            "access_token",
            "SONAR_TOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "encryptionKey",
            "github_token",
            "x-api-key",
            "apiKeys",
            "jeton",
            "clusterkey",
            "AUTH_SALT",
            "cookie-secret",
            "wifi key",
            "pre-shared key",
        ] {
            assert_eq!(class(name), Some(NameClass::Token), "{name}");
        }
    }

    #[test]
    fn names_about_secrets() {
        for name in [
            "PASSWORD_FILE",
            "passwordKey",
            "adminPasswordKey",
            "SECRET_NAME",
            "SECRET_KEY_REF",
            "TOKEN_TTL_SECONDS",
            "PASSWORD_MIN_LENGTH",
            "existingSecret",
            "secretName",
            "TOKEN_URL",
            "validate_password.length",
            "password_policy",
            "nextToken",
            "public_key",
            "csrf_token",
            "fastcgi_pass",
            "proxy_pass",
            "bypass",
            "compass",
            "passing",
            "author",
            "authorization",
            "tokenizer",
            "secretKeyRef",
            "primary_key",
            "access_key_id",
            "max_tokens",
            "keyboard",
            "monkey",
            "isPasswordValid",
            "passport",
            "hwScaleFilterFirstPass",
            "NOPASSWD",
            "kolla-genpwd",
            "1password",
            "CRYPTO_KEY_CIPHER",
            "secretUID",
            "salt",
            "cookie",
            "OAuth",
            "sql_pass_scheme",
            "htpasswd_password_characters",
            "X-Goog-Credential",
        ] {
            assert_eq!(class(name), None, "{name}");
        }
    }

    #[test]
    fn words_split_at_case_and_joins() {
        assert_eq!(words("dbPasswordURL2"), ["db", "password", "url2"]);
        assert_eq!(words("HTTPServer_key"), ["http", "server", "key"]);
    }
}
