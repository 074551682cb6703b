//! Names: where one stands around a cue, and what it means: a password, a token, or neither.

use std::cell::RefCell;
use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::homonym;
use crate::detect::search::Search;
use crate::detect::syntax::named::{Label, NAME_REACH};
use crate::detect::worth::randomness;
use crate::detect::worth::words::words;
use crate::rule::lexicon::{
    ABOUT, CLUSTER_SECRETS, KEY_QUALIFIERS, NO_TOKEN, NOT_ONE, OTHER_KEYS, OTHER_PASSES, OTHER_STEMS, PASSWORD_ENDINGS, PASSWORDS,
    TOKEN_VERBS, TOKENS,
};
use crate::rule::{Cue, Extractor, Judge};
use crate::text::Span;

/// `：`, as Chinese and Japanese texts write it.
pub(super) const FULLWIDTH_COLON: &[u8] = "：".as_bytes();

/// The sort of secret a name promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameClass {
    /// Typed by a person, or used as if.
    Password,
    /// Issued to a machine.
    Token,
}

/// A name that means a secret, where it stands, and what sort it means.
pub(super) struct Context {
    pub(super) name: Span,
    pub(super) line: Span,
    pub(super) class: NameClass,
}

impl Context {
    /// The name and its line, without what it means.
    pub(super) fn label(&self) -> Label {
        Label { name: self.name, line: self.line }
    }
}

impl NameClass {
    pub(super) fn judge(self) -> Judge {
        match self {
            Self::Password => Judge::Password,
            Self::Token => Judge::Token,
        }
    }

    pub(super) fn extractor(self) -> Extractor {
        match self {
            Self::Password => Extractor::Password,
            Self::Token => Extractor::Token,
        }
    }
}

/// The name that a cue belongs to, unless it was read before or names a type, a file or a part of an address.
pub(super) fn find(search: &mut Search<'_>, hit: Span) -> Option<Span> {
    if hit.start < search.name_end {
        return None;
    }
    let reach = NAME_REACH + 1;
    search.look(Span::new(hit.start.saturating_sub(reach), hit.end + reach));
    let name = name_around(search.text, hit)?;
    search.name_end = name.end;
    search.look(Span::new(name.start.saturating_sub(reach), name.end));
    (!homonym::is_part_of_other(search, name)).then_some(name)
}

/// A name with its line, if it means a secret.
pub(super) fn understand(search: &Search<'_>, name: Span, cue: Cue) -> Option<Context> {
    let full = Span::new(name.start - path_before(search.text, name.start), name.end);
    // In settings it is what a program hashes with; elsewhere one is made for each hash.
    let is_salt = cue == Cue::Token
        && search.hints.notation.is_settings()
        && search.bytes(full).eq_ignore_ascii_case(b"salt")
        && !is_of_hash(search, name);
    let class = if is_salt { NameClass::Token } else { class_of_bytes(search.bytes(full), cue)? };
    if homonym::is_field_of_other(search, name) {
        return None;
    }
    // Of the environment; constants of programs are full of keys that find something.
    let of_program = class == NameClass::Token && !search.hints.notation.takes_bare_values();
    if of_program && is_unqualified_key(search.bytes(full)) && !holds_token(search.bytes(full)) {
        return None;
    }
    Some(Context { name, line: search.line_around(name.start), class })
}

/// Whether a hash stands beside a salt: each has one of its own, which is no secret.
fn is_of_hash(search: &Search<'_>, name: Span) -> bool {
    let hash = |line: Span| memchr::memmem::find(&search.bytes(line).to_ascii_lowercase(), b"hash").is_some();
    search.lines_beside(search.line_around(name.start)).into_iter().flatten().any(hash)
}

/// What names mean that were read before, and around which cue.
type Known = HashMap<Box<[u8]>, (Cue, Option<NameClass>), RandomState>;

thread_local! {
    /// Names come again and again, in every version of a file.
    static KNOWN: RefCell<Known> = RefCell::default();
}

/// What a name means, if it means a secret at all.
fn class_of_bytes(name: &[u8], cue: Cue) -> Option<NameClass> {
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

/// Like [`class_of_bytes`], of a text.
pub(super) fn classify(name: &str, cue: Cue) -> Option<NameClass> {
    // `data-key="x"`, an attribute of HTML that a page calls as it likes.
    let name = name.strip_prefix("data-").unwrap_or(name);
    // Letters that happen to stand in base64.
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    if name.len() >= 24 && digits > 1 && !name.contains('.') && randomness::is_random(name.as_bytes()) {
        return None;
    }
    let mut words = words(name);
    // `admin.check.signSecret`: what the sections before it say is another matter.
    let field = self::words(name.rsplit('.').next().unwrap_or_default()).len();
    let section = if field > 1 { words.len().saturating_sub(field) } else { 0 };
    if cue == Cue::Token && (words.len() == 1 && name == "--key" || words.len() == 2 && words == ["api", "key"]) {
        return Some(NameClass::Token);
    }
    // `X-Amz-Credential`, `X-Goog-Credential`: who signed a URL, when and for what.
    if words.len() == 3 && words[0] == "x" && words[2] == "credential" {
        return None;
    }
    // `inject-ca-from-secret`: which one it is in.
    if words.len() > 2 && words.ends_with(&["from".to_owned(), "secret".to_owned()]) {
        return None;
    }
    // `changePassword`: what somebody may do.
    if words.len() == 2 && words[0] == "change" && PASSWORDS.has(&words[1]) {
        return None;
    }
    // `en_PW`: a language and a country.
    if matches!(name.as_bytes(), [b'a'..=b'z', b'a'..=b'z', b'_' | b'-', b'P', b'W']) {
        return None;
    }
    // git's setting for the ID of a key that signs.
    if words.last().is_some_and(|word| word == "signingkey") {
        return None;
    }
    // Half of the credentials of Vault's AppRole, and a token of Nomad and Consul; `VAULT_DEV_ROOT_TOKEN_ID`.
    if let [before @ .., kind, id] = words.as_slice()
        && cue == Cue::Token
        && id == "id"
        && (kind == "secret" || kind == "token" && before.iter().any(|word| word == "root"))
    {
        return Some(NameClass::Token);
    }
    // `APP_OTP_KEY_BASE`, as Rails has them.
    if cue == Cue::Token && words.len() > 2 && words.ends_with(&["key".to_owned(), "base".to_owned()]) {
        return Some(NameClass::Token);
    }
    // `POSTGRES_PASSWORD_2`, `old_password`; `password_wo`, which Terraform only writes.
    while words.len() > 1 && words.last().is_some_and(|word| word == "wo" || word.bytes().all(|byte| byte.is_ascii_digit())) {
        words.pop();
    }
    // Typed twice, as forms ask for it: `password_confirmation`.
    if words.len() > 1 && words.last().is_some_and(|word| word == "confirmation") && PASSWORDS.has(&words[words.len() - 2]) {
        words.pop();
    }
    let is_variable = name.contains('_') && !name.bytes().any(|byte| byte.is_ascii_lowercase());
    let (at, class) = (0..words.len()).rev().find_map(|at| class_of(&words, at, is_variable).map(|class| (at, class)))?;
    // `passwordUpdateJob.resourcesPreset`: the last section has words of its own.
    if at < section {
        return None;
    }
    let is_other_pass = words[at] == "pass" && at > 0 && OTHER_PASSES.has(&words[at - 1]);
    let about = words[at + 1..].iter().any(|word| ABOUT.has(word) || is_agent(word));
    // What signs or encrypts cookies is no cookie, and so with tokens of forms.
    let signs_them = |word: &str| matches!(word, "cookie" | "csrf" | "xsrf") && matches!(words[at].as_str(), "secret" | "key" | "salt");
    // `hash_salt` salts the hashes that a site makes.
    let of_hashes = |word: &str| word == "hash" && words[at] == "salt";
    let no_token = |word: &str| class == NameClass::Token && NO_TOKEN.has(word) && !signs_them(word) && !of_hashes(word);
    let not_one = |word: &str| NOT_ONE.has(word) && !(class == NameClass::Token && (TOKEN_VERBS.has(word) || signs_them(word)));
    // Where messages are pushed to; `DEVICE_SECRET` is another matter.
    let of_device = |word: &str| word == "device" && words[at] == "token";
    let negated = words[section.min(at)..at].iter().any(|word| not_one(word) || no_token(word) || of_device(word));
    (!about && !negated && !is_other_pass).then_some(class)
}

/// `refresher`, `validator`: does something with secrets and is none.
fn is_agent(word: &str) -> bool {
    word.len() > 5 && (word.ends_with("er") || word.ends_with("or")) && !matches!(word, "server" | "master" | "docker")
}

/// What one word of a name means, a variable's of the environment if it is in capitals.
fn class_of(words: &[String], at: usize, is_variable: bool) -> Option<NameClass> {
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
    // `csrfmiddlewaretoken` is made for one form.
    let of_form = || ["csrf", "xsrf"].iter().any(|kind| trimmed.starts_with(kind));
    if TOKENS.has(trimmed)
        || ["apikey", "token", "secret"].iter().any(|ending| trimmed.ends_with(ending) && trimmed.len() < 20 && !of_form())
    {
        return Some(NameClass::Token);
    }
    // `gpg_signing_key` is told by its ID.
    if trimmed == "key" && at > 1 && before == Some("signing") && matches!(words[at - 2].as_str(), "gpg" | "pgp") {
        return None;
    }
    let keys = trimmed == "keys" && matches!(before, Some("api" | "unseal"));
    let key = trimmed == "key" && before.is_some_and(|before| KEY_QUALIFIERS.has(before) || is_variable && !OTHER_KEYS.has(before));
    let run_together = trimmed.strip_suffix("key").is_some_and(|stem| stem.len() > 4 && KEY_QUALIFIERS.has(stem));
    // Nodes of Erlang show each other a cookie.
    let cookie = trimmed == "cookie" && matches!(before, Some("erlang" | "node")) || trimmed == "erlangcookie";
    // Models of language count tokens, and designs are made of them.
    let tokens = trimmed == "tokens" && before.is_some_and(|before| KEY_QUALIFIERS.has(before));
    (key || keys || run_together || cookie || tokens).then_some(NameClass::Token)
}

/// `SHOP_KEY`, as variables of the environment are called: nothing says what sort of key it is.
pub(super) fn is_unqualified_key(name: &[u8]) -> bool {
    if !name.ends_with(b"KEY") {
        return false;
    }
    let words = words(&String::from_utf8_lossy(name));
    matches!(words.as_slice(), [.., before, last] if last == "key" && !KEY_QUALIFIERS.has(before))
}

/// `builder.password`, `setPassword`, `with_password`: a method that is handed the secret, and does not look it up.
pub(super) fn is_setter(called: &[u8]) -> bool {
    let method = called.rsplit(|&byte| byte == b'.').next().unwrap_or_default();
    let words = words(&String::from_utf8_lossy(method));
    match words.as_slice() {
        [word] => method.len() < called.len() && PASSWORDS.has(word),
        // `setJwtSecretKey`
        [verb, _, .., secret, key] if verb == "set" && secret == "secret" && key == "key" => true,
        [verb, .., last] => matches!(verb.as_str(), "set" | "with") && PASSWORDS.has(last),
        [] => false,
    }
}

/// `DB_PASSWORD`, as variables of the environment are called.
pub(super) fn is_variable(name: &[u8]) -> bool {
    name.contains(&b'_') && name.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_')
}

/// `EXISTING_SECRET`, `TLS_SECRET`: variables that hold the name of a secret of a cluster.
pub(super) fn is_of_cluster(name: &[u8]) -> bool {
    name.strip_suffix(b"_SECRET").is_some_and(|qualifier| CLUSTER_SECRETS.ends(qualifier))
}

/// The name that stands last before a value.
pub(super) fn last_name(before: &[u8]) -> &[u8] {
    let end = before.iter().rposition(|byte| byte.is_ascii_alphanumeric()).map_or(0, |at| at + 1);
    let start = before[..end].iter().rposition(|byte| !byte.is_ascii_alphanumeric() && !b"_-.".contains(byte)).map_or(0, |at| at + 1);
    &before[start..end]
}

fn holds_token(name: &[u8]) -> bool {
    words(&String::from_utf8_lossy(name)).iter().any(|word| TOKENS.has(word))
}

/// Before a password's word, and written together with it, these make another word: `nopasswd`,
/// `genpwd`, and a product's name.
fn is_other_stem(stem: &str) -> bool {
    NOT_ONE.has(stem) || OTHER_STEMS.has(stem) || OTHER_PASSES.has(stem)
}

/// The name that a cue belongs to; `None` for a run of letters too long to be one.
fn name_around(text: &[u8], hit: Span) -> Option<Span> {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.') || *byte >= 0x80;
    let low = hit.start.saturating_sub(NAME_REACH);
    let high = (hit.end + NAME_REACH).min(text.len());
    // A cue such as `pw:` ends with its separator, which is not part of the name.
    let cue = &text[hit.range()];
    if is_unspaced(cue) {
        return Some(hit);
    }
    let core = hit.start + cue.iter().rposition(part).map_or(0, |at| at + 1);
    let before = text[low..hit.start].iter().rev().take_while(|byte| part(byte)).count();
    let mut end = core;
    if core == hit.end {
        end += text[core..high].iter().take_while(|byte| part(byte)).count();
    }
    if before == NAME_REACH || end == hit.end + NAME_REACH {
        return None;
    }
    if let Some(colon) = memchr::memmem::find(&text[core..end], FULLWIDTH_COLON) {
        end = core + colon;
    }
    while end > core && matches!(text[end - 1], b'.' | b'-') {
        end -= 1;
    }
    Some(Span::new(hit.start - before + escape_before(text, hit.start - before), end))
}

/// Length of the rest of an escape that only looks like a part of the name: `\u0026pageToken`.
fn escape_before(text: &[u8], start: usize) -> usize {
    let escaped = start > 0 && text[start - 1] == b'\\';
    match &text[start..] {
        [b'u', a, b, c, d, ..] if escaped && [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()) => 5,
        _ => 0,
    }
}

/// Whether a cue is of a script that puts no spaces between words: Thai, Chinese, Japanese, Korean.
fn is_unspaced(cue: &[u8]) -> bool {
    matches!(cue, [0xe0, 0xb8..=0xbf, ..] | [0xe3..=0xed, ..])
}

/// Length of a path segment before a name: `checksum/` of `checksum/secret`.
fn path_before(text: &[u8], start: usize) -> usize {
    if start == 0 || text[start - 1] != b'/' {
        return 0;
    }
    let segment = text[start.saturating_sub(NAME_REACH)..start - 1].iter().rev();
    1 + segment.take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')).count()
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
            "password_confirmation",
            "mot_de_passe",
            "CACHE_PASSWORD",
            "kata sandi",
            "password_wo",
            "Şifre",
            "log4j.appender.kafka_appender.SslTruststorePassword",
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
            "drupal_hash_salt",
            "des_key",
            "cookie-secret",
            "wifi key",
            "pre-shared key",
            "cookieValidationKey",
            "rememberMe.setCipherKey",
            "aesKey",
            "webflow.signing.key",
            "certificate_key",
            "GITHUB_ORG_KEY",
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
            "csrftoken",
            "csrfmiddlewaretoken",
            "__RequestVerificationToken",
            "review.un_pass",
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
            "input_tokens",
            "tokens",
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
            "DOVECOT_PASS_ATTRS",
            "ansible_ssh_host_key_rsa_public",
            "htpasswd_password_characters",
            "X-Goog-Credential",
            "MePXR2HKEjbyqOd3BqVTRZaXrrU_PWNhHgX",
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
