//! Values that stand in for a secret: placeholders people write, and references that are resolved
//! elsewhere (templates, variables, secret stores, encrypted values).

use super::lexicon::{NO_VALUES, PASSWORDS, PLACEHOLDER_MARKS, STAND_INS, WEAK_PASSWORDS};

/// Whether a value assigned to a name is a stand-in or a reference and so not a secret.
pub(super) fn is_placeholder(value: &[u8]) -> bool {
    let lower = String::from_utf8_lossy(value).to_lowercase();
    let plain = lower.strip_prefix("{noop}").unwrap_or(&lower);
    let bare = plain.trim_matches(|c: char| c.is_whitespace() || "\"'`*_()[]{}<>:".contains(c));
    let letters: String = bare.chars().filter(|c| !matches!(c, '-' | '_' | '.' | ' ')).collect();
    [bare, &letters].iter().any(|text| STAND_INS.has(text) || WEAK_PASSWORDS.has(text))
        || is_numbered_word(&letters)
        || is_disguised_word(bare)
        || is_constant(value)
        || PLACEHOLDER_MARKS.iter().any(|mark| lower.contains(mark))
        || is_enclosed(&lower)
        || is_repetitive(value)
        || is_reference(value)
        || is_encrypted(value)
        || value.contains(&b',') && value.split(|&byte| byte == b',').all(|part| !part.is_empty() && is_placeholder(part))
}

/// Whether a text says of itself that it is no password: `changeme`, `<password>`, `required`.
pub(super) fn is_self_declared(value: &[u8]) -> bool {
    let lower = String::from_utf8_lossy(value).to_lowercase();
    let bare = lower.trim_matches(|c: char| c.is_whitespace() || "\"'`*_()[]{}<>:".contains(c));
    let letters: String = bare.chars().filter(|c| !matches!(c, '-' | '_' | '.' | ' ')).collect();
    let digits = value.iter().all(u8::is_ascii_digit);
    let asks = ["your", "replace", "sample", "fake", "enter", "insert", "pls-", "please"].iter().any(|word| bare.starts_with(word));
    let boasts = ["my", "super"].iter().any(|word| bare.starts_with(word)) && is_disguised_word(bare);
    STAND_INS.has(bare)
        || STAND_INS.has(&letters)
        || NO_VALUES.has(bare)
        || boasts
        || asks
        || is_constant(value)
        || PLACEHOLDER_MARKS.iter().any(|mark| lower.contains(mark))
        || is_enclosed(&lower)
        || !digits && is_repetitive(value)
        || is_reference(value)
        || is_encrypted(value)
}

/// Whether a value that looks generated says of itself that it stands in for one, is encrypted, or
/// holds a whole reference: `Xy7!example#9`, `${HOST}:3#xK9`.
pub(super) fn is_marked(value: &[u8]) -> bool {
    let lower = String::from_utf8_lossy(value).to_lowercase();
    PLACEHOLDER_MARKS.iter().any(|mark| mark.len() > 4 && lower.contains(mark))
        || is_repetitive(value)
        || is_encrypted(value)
        || holds_reference(value)
        || is_slot_of_name(value)
        || holds_numbered_verb(value)
        || is_documented(&lower)
        || is_disguised_word(&lower)
}

/// `%[3]s` of Go's formats.
fn holds_numbered_verb(value: &[u8]) -> bool {
    memchr::memmem::find(value, b"%[").is_some_and(|at| value.get(at + 2).is_some_and(u8::is_ascii_digit))
}

/// `<s3_loki_key>`, `{env:API_KEY}`, `"a-1"`: a pair of brackets or quotes with a name in it.
fn is_slot_of_name(value: &[u8]) -> bool {
    const PAIRS: [(u8, u8); 8] =
        [(b'<', b'>'), (b'{', b'}'), (b'[', b']'), (b'(', b')'), (b'"', b'"'), (b'\'', b'\''), (b'%', b'%'), (b'`', b'`')];
    let [open, inner @ .., close] = value else { return false };
    let name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':' | b' ');
    PAIRS.contains(&(*open, *close)) && inner.iter().all(name)
}

/// `${NAME}`, `$(name …)`, `{{ name }}`, `<% name %>`, `#{name}`, `%{name}`: with both ends, and
/// between them a name of at least three letters.
fn holds_reference(value: &[u8]) -> bool {
    const PAIRS: [(&[u8], &[u8]); 7] =
        [(b"${", b"}"), (b"$(", b")"), (b"{{", b"}}"), (b"<%", b"%>"), (b"#{", b"}"), (b"%{", b"}"), (b"%(", b")")];
    let named = |inner: &[u8]| {
        let name = inner.trim_ascii().trim_ascii_start();
        let letters = name.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
        letters >= 3 && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-:[]'\"/ ".contains(byte))
    };
    PAIRS.iter().any(|(open, close)| {
        let start = memchr::memmem::find(value, open).map(|at| at + open.len());
        let inner = start.and_then(|start| memchr::memmem::find(&value[start..], close).map(|length| &value[start..start + length]));
        inner.is_some_and(named)
    })
}

/// `password1`, `contraseña123`, `orgtoken2`: a word for a password or token and a few digits.
fn is_numbered_word(text: &str) -> bool {
    let word = text.trim_end_matches(|c: char| c.is_ascii_digit() || c == '!');
    // `value1` beside `key1`, as documentation has them
    if matches!(word, "value" | "valor" | "valeur" | "wert" | "waarde") {
        return true;
    }
    let token = word.len() <= 12 && word.ends_with("token") && word.bytes().all(|byte| byte.is_ascii_lowercase());
    text.len() - word.len() <= 4 && word.len() > 3 && (token || PASSWORDS.has(word))
}

/// `DEFINED-IN-REGION-CHART`, `HTPASSWD`: words in capitals that tell what belongs here.
fn is_constant(value: &[u8]) -> bool {
    let capitals = |part: &[u8]| part.len() > 1 && part.iter().all(u8::is_ascii_uppercase);
    let mut parts = 0;
    let words = value.split(|byte| matches!(byte, b'-' | b'_')).inspect(|_| parts += 1).all(capitals);
    let lower = String::from_utf8_lossy(value).to_lowercase();
    words && (parts > 2 || ["passwd", "password", "passphrase", "token", "secret"].iter().any(|word| lower.ends_with(word)))
}

/// `MyP@ssw0rd123!`, `test-password-1`: that word again, with a word before it and a count behind it.
fn is_disguised_word(text: &str) -> bool {
    const BEFORE: [&str; 21] = [
        "my", "new", "old", "test", "testing", "fake", "db", "sql", "ssh", "http", "smtp", "root", "admin", "user", "your", "the",
        "replace", "sample", "super", "secure", "strong",
    ];
    const COUNTS: [&str; 7] = ["", "01", "12", "123", "1234", "12345", "12345678"];
    let word = text.trim_end_matches(|c: char| c.is_ascii_punctuation());
    let name = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let count = &word[name.len()..];
    let letters: String = name
        .chars()
        .filter_map(|c| match c {
            '@' | '4' => Some('a'),
            '0' => Some('o'),
            '$' | '5' => Some('s'),
            '3' => Some('e'),
            c => c.is_alphanumeric().then_some(c),
        })
        .collect();
    let stem = ["password", "passwd", "passord"].iter().find_map(|word| letters.strip_suffix(word));
    let peeled = |mut before: &str| {
        while let Some(rest) = BEFORE.iter().find_map(|word| before.strip_suffix(word)) {
            before = rest;
        }
        before.is_empty()
    };
    (count.len() == 1 || COUNTS.contains(&count)) && stem.is_some_and(peeled)
}

/// `<…>`, `[…]`, `{…}`, `(…)`, `%…%`, `__…__`, `@@…@@`, `#{…}#`: a slot to be filled.
fn is_enclosed(value: &str) -> bool {
    const PAIRS: &[(&str, &str)] = &[
        ("<", ">"),
        ("[", "]"),
        ("{", "}"),
        ("(", ")"),
        ("%", "%"),
        ("__", "__"),
        ("@@", "@@"),
        ("@", "@"),
        ("*", "*"),
        ("$", "$"),
        ("#", "#"),
        ("«", "»"),
        ("%%", "%%"),
        ("|", "|"),
    ];
    // `#Kb15fox#`: between two of the same symbol a password may stand.
    let mixed = |inner: &str| inner.len() >= 6 && inner.bytes().any(|byte| byte.is_ascii_digit()) && !inner.contains(['_', '-', ' ']);
    PAIRS.iter().any(|(open, close)| {
        let inner = value.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)).filter(|inner| !inner.is_empty());
        inner.is_some_and(|inner| open.len() > 1 || open != close || !mixed(inner))
    }) || value.contains('<') && value.contains('>')
        || value.contains('…')
        || value.contains("...")
}

/// One or two distinct characters, or a short unit again and again.
pub(super) fn is_repetitive(value: &[u8]) -> bool {
    let mut seen = [false; 256];
    value.iter().filter(|byte| !byte.is_ascii_whitespace()).for_each(|&byte| seen[usize::from(byte)] = true);
    let distinct = seen.iter().filter(|&&used| used).count();
    let units = |unit: usize| value.len() >= 3 * unit && value.chunks(unit).all(|chunk| value.starts_with(chunk));
    distinct <= 2 || (2..=16).any(units)
}

/// Something that a program resolves to the value: variables, templates, calls, store references.
pub(super) fn is_reference(value: &[u8]) -> bool {
    let has = |needle: &[u8]| memchr::memmem::find(value, needle).is_some();
    let starts = |prefix: &[u8]| value.starts_with(prefix);
    if has(b"${")
        || has(b"$(")
        || has(b"{{")
        || has(b"}}")
        || has(b"<%")
        || has(b"#{")
        || has(b"%(")
        || has(b"$[[")
        || has(b"{%")
        || has(b"%{")
        || has(b"%s")
        || has(b"%v")
        || memchr::memmem::rfind(value, b"%d").is_some_and(|at| !value.get(at + 2).is_some_and(u8::is_ascii_alphanumeric))
        || holds_numbered_verb(value)
    {
        return true;
    }
    let names_variable = |at: usize| value[at + 1..].iter().take_while(|byte| byte.is_ascii_uppercase() || **byte == b'_').count() >= 3;
    if memchr::memchr_iter(b'$', value).any(names_variable) {
        return true;
    }
    if let [b'$', first, ..] = value {
        // `$NAME`, `$env:NAME`, `$1`; a password may start with a dollar sign but then goes on unlike a name.
        let name = value[1..].iter().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'.' | b'>' | b'-' | b'[' | b']' | b'\'' | b'"' | b'/')
        });
        // `$keys:project/place`
        let name = name && (!has(b"/") || memchr::memchr(b':', value) < memchr::memchr(b'/', value) && has(b":"));
        // `$credential.GetNetworkCredential().Password`
        let member = first.is_ascii_alphabetic() && has(b".") && (has(b"()") || has(b"->"));
        if member || name && (first.is_ascii_alphabetic() || *first == b'_' || value.len() <= 3) {
            return true;
        }
    }
    // `$env:ROOT\file`, and nothing but a path behind it.
    if starts(b"$env:") && has(b"\\") {
        return true;
    }
    const STORES: &[&[u8]] = &[
        b"ref+",
        b"vault:",
        b"vault+",
        b"op://",
        b"secretref:",
        b"secret://",
        b"arn:aws:secretsmanager",
        b"arn:aws:ssm",
        b"ssm:",
        b"awssm:",
        b"gcpsm:",
        b"sm://",
        b"azurekeyvault:",
        b"akv:",
        b"@microsoft.keyvault",
        b"keyvault:",
        b"valuefrom",
        b"env:",
        b"env.",
        b"file:",
        b"file://",
        b"secrets.",
        b"env(",
        b"!vault",
        b"!ref",
        b"!sub",
        b"!env",
        b"!secret",
        b"!encrypted",
        b"!reference",
        b"!getatt",
        b"{resolve:",
        b"projects/",
        b"doppler:",
        b"infisical:",
        b"bws:",
        b"data.",
        b"var.",
        b"local.",
        b"module.",
        b"process.env",
        b"os.environ",
        b"os.getenv",
        b"system.getenv",
        b"lookup(",
        b"$__file{",
        b"$__env{",
        b"&",
        b"kms:",
        b"encrypted:",
        b"secret/data/",
        b"secret:",
    ];
    let lower = value[..value.len().min(32)].to_ascii_lowercase();
    STORES.iter().any(|store| lower.starts_with(store) && value.len() > store.len())
        || is_variable_of_windows(value)
        || starts(b"@{") && value.ends_with(b"}")
        || is_variable_of_psql(value)
}

/// `%NAME%`, `%db_password%`; `%Kb27fox%` mixes what names do not mix.
fn is_variable_of_windows(value: &[u8]) -> bool {
    let [b'%', name @ .., b'%'] = value else { return false };
    let has = |sort: fn(&u8) -> bool| name.iter().any(sort);
    let mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    !name.is_empty() && !mixed
}

/// `:'name'` and `:"name"`.
fn is_variable_of_psql(value: &[u8]) -> bool {
    let quoted = |quote: &[u8]| value.strip_prefix(b":").and_then(|rest| rest.strip_prefix(quote)?.strip_suffix(quote));
    let name = quoted(b"'").or_else(|| quoted(b"\""));
    name.is_some_and(|name| !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_'))
}

/// Already encrypted: SOPS, ansible-vault, Jasypt, Spring Cloud Config, eyaml, git-crypt, age, PGP.
pub(super) fn is_encrypted(value: &[u8]) -> bool {
    const STARTS: &[&[u8]] = &[
        b"ENC[",
        b"ENC(",
        b"{cipher}",
        b"$ANSIBLE_VAULT",
        b"!vault",
        b"age1",
        b"-----BEGIN AGE",
        b"-----BEGIN PGP MESSAGE",
        b"DEC::",
        b"{AES}",
        b"vault:v",
        b"AQICAH",
        // `Salted__` of `openssl enc`
        b"U2FsdGVkX1",
        b"encrypted:",
        b"secure:",
        b"{jasypt}",
        b"enc:",
    ];
    STARTS.iter().any(|start| value.starts_with(start)) || is_sealed(value) || is_of_maven(value)
}

/// `{COQLCE6DU6GtcS5P=}`: base64 in braces, as Maven encrypts passwords.
fn is_of_maven(value: &[u8]) -> bool {
    let inner = value.strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}"));
    inner.is_some_and(|inner| inner.ends_with(b"=") && inner.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte)))
}

/// A value sealed by sealed-secrets: a two-byte length of an RSA block (0x0200 for 4096 bits),
/// then the block, in base64 (<https://github.com/bitnami-labs/sealed-secrets>).
fn is_sealed(value: &[u8]) -> bool {
    value.len() >= 100
        && value.starts_with(b"Ag")
        && value.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
}

/// Whether a text in lower case holds a part of the key pair of the AWS documentation, whatever its ending, or
/// of the key of every Azure Storage emulator.
fn is_documented(lower: &str) -> bool {
    ["iosfodnn7", "wjalrxutnfemi", "eby8vdm02xnocqflquwjpllmetlcdxj1"].iter().any(|part| lower.contains(part))
}

/// Whether something in a provider's format was invented for documentation.
pub(super) fn is_fake_token(value: &[u8]) -> bool {
    const MARKS: &[&[u8]] = &[
        b"example",
        b"xxxx",
        b"placeholder",
        b"dummy",
        b"sample",
        b"redacted",
        b"changeme",
        b"replace",
        b"your-",
        b"your_",
        b"yourtoken",
        b"yourkey",
        b"1234567890",
        b"0123456789",
        b"abcdefghij",
        b"000000000",
        b"deadbeefdeadbeef",
        b"....",
        b"****",
        b"fakefake",
        b"notreal",
        b"not-real",
        b"insert",
    ];
    let lower = value.to_ascii_lowercase();
    let body = lower.iter().rposition(|&byte| byte == b'_' || byte == b'-').map_or(&lower[..], |at| &lower[at + 1..]);
    MARKS.iter().any(|mark| memchr::memmem::find(&lower, mark).is_some())
        || is_documented(&String::from_utf8_lossy(&lower))
        || is_repetitive(value)
        || (body.len() >= 16 && is_low_variety(body))
        || lower.split(|&byte| byte == b'.').any(|part| part.len() >= 16 && is_repetitive(part))
        || lower.split(|&byte| byte == b'-').any(|part| part.len() == 12 && is_repetitive(part))
        || is_counted(&lower)
        || is_slot(value)
        || lower.contains(&b'<') && lower.contains(&b'>')
}

/// Holds a variable or a template where a token has characters.
fn is_slot(value: &[u8]) -> bool {
    const OPENINGS: [&[u8]; 5] = [b"${", b"$(", b"{{", b"<%", b"%("];
    OPENINGS.iter().any(|opening| value.starts_with(opening)) || memchr::memmem::find(value, b"${").is_some()
}

/// Mostly runs such as `1234` and `abcdef`.
fn is_counted(value: &[u8]) -> bool {
    const SHORTEST: usize = 4;
    let follows = |pair: &[u8]| pair[0].is_ascii_alphanumeric() && pair[1] == pair[0] + 1;
    let mut counted = 0;
    let mut run = 1;
    for pair in value.windows(2).map(follows).chain([false]) {
        if pair {
            run += 1;
        } else {
            counted += if run >= SHORTEST { run } else { 0 };
            run = 1;
        }
    }
    counted * 5 >= value.len() * 4 && counted > 0
}

/// Far fewer distinct characters than chance would give.
fn is_low_variety(body: &[u8]) -> bool {
    let mut seen = [false; 256];
    body.iter().for_each(|&byte| seen[usize::from(byte)] = true);
    seen.iter().filter(|&&used| used).count() <= 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stand_ins_and_references() {
        for value in [
            "changeme",
            "CHANGE_ME",
            "<password>",
            "***",
            "********",
            "xxxx",
            "your-secret-key",
            "REPLACE_ME",
            "[REDACTED]",
            "n/a",
            "…",
            "-",
            "${DB_PASSWORD}",
            "$DB_PASSWORD",
            "$(PGPASSWORD)",
            "{{ .Values.a.b }}",
            "__PASSWORD__",
            "@@PASSWORD@@",
            "${{ secrets.X }}",
            "%PASSWORD%",
            "op://vault/item/field",
            "ref+sops://a.yaml#/b",
            "ENC[AES256_GCM,data:x]",
            "insert-password-here",
            "change-me-in-production",
            "process.env.X",
            "os.environ['X']",
            "null",
            "~~~~",
            "#{Octopus}",
            "$env:TOKEN",
            "ENC(abc)",
            "(none)",
            "example-password",
            "*app-password*",
            "MyP@ssw0rd123!",
            "replacePassword1234$",
            "testPassword0",
            "MySuperSecureP4ssw0rd",
            "$AzCred.GetNetworkCredential().Password",
            "$env:WORKSPACE\\tmp\\creds1",
        ] {
            assert!(is_placeholder(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn real_values_are_not_placeholders() {
        for value in [
            "Summer2025!",
            "data_stg_4ooe97y",
            "S4ffr0nL4g00n27!",
            "Xy$k4fxh9a",
            "51b51fab09da44b5a0193df76a96d6f1",
            "Copper-Violet-Ember-602",
            "CN%1B-l7%*hNlTM9m",
            "$uper7Tief!x",
            "Password2019!",
        ] {
            assert!(!is_placeholder(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn tokens_from_documentation() {
        assert!(is_fake_token(b"AKIAIOSFODNN7EXAMPLE"));
        assert!(is_fake_token(b"ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
        assert!(is_fake_token(b"npm_0000000000000000000000000000000000aa"));
        assert!(is_fake_token(b"s.1234abcdef"));
        assert!(!is_fake_token(b"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"));
    }
}
