//! What a path says about a text: its notation, and whether it is a test, a lock file or binary.
//!
//! A text without a path gets the most permissive hints.

use crate::rule::lexicon::{
    KEY_FOLDERS, KEY_QUALIFIERS, LINES_EXTENSIONS, Lexicon, MACHINE_MADE, PASSWORDS, PROSE_EXTENSIONS, QUOTED_EXTENSIONS,
    SOURCE_EXTENSIONS, STAGE_FOLDERS, TEMPLATE_EXTENSIONS, TEST_FOLDERS, TOKENS, TRANSLATION_EXTENSIONS, TRANSLATION_FOLDERS,
    YAML_EXTENSIONS,
};

/// How a text assigns values to names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    /// Not known: anything goes.
    Unknown,
    /// Documentation: prose, tables, lists, fenced blocks.
    Prose,
    /// YAML, also templated.
    Yaml,
    /// Name and value per line: dotenv, INI, properties, shell, Dockerfile, netrc.
    Lines,
    /// Values are quoted: JSON, TOML, HCL.
    Quoted,
    /// A programming language: only quoted literals are values.
    Source,
}

/// What is known about a text before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hints {
    /// How it assigns values.
    pub notation: Notation,
    /// It is a test or a fixture.
    pub test: bool,
    /// Names and prose mean something in it; off for lock files.
    pub generic: bool,
    /// It holds NUL bytes.
    pub binary: bool,
    /// Its name says that it holds one secret and nothing else: `db_password.txt`.
    pub alone: Option<Alone>,
}

/// What a file holds alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alone {
    /// A password of people.
    Password,
    /// A key or token of machines.
    Token,
}

impl Hints {
    /// Nothing is known.
    pub const NONE: Self = Self { notation: Notation::Unknown, test: false, generic: true, binary: false, alone: None };

    /// How many classes there are.
    pub const CLASSES: u8 = 16;
    /// The first class of files that hold one secret.
    const ALONE: u8 = 12;

    /// A number for how a text is read: its notation, whether names mean something in it, and what it holds alone.
    pub fn class(self) -> u8 {
        match self.alone {
            Some(alone) => Self::ALONE + alone as u8 * 2 + u8::from(self.notation == Notation::Prose),
            None => self.notation as u8 * 2 + u8::from(self.generic),
        }
    }

    /// The hints of a class.
    pub fn of_class(class: u8) -> Self {
        const NOTATIONS: [Notation; 6] =
            [Notation::Unknown, Notation::Prose, Notation::Yaml, Notation::Lines, Notation::Quoted, Notation::Source];
        if let Some(class) = class.checked_sub(Self::ALONE) {
            let notation = if class % 2 == 1 { Notation::Prose } else { Notation::Unknown };
            return Self { notation, alone: Some(if class < 2 { Alone::Password } else { Alone::Token }), ..Self::NONE };
        }
        Self { notation: NOTATIONS[usize::from(class / 2)], generic: class % 2 == 1, ..Self::NONE }
    }

    /// From a path with `/` between its parts.
    pub fn of_path(path: &str) -> Self {
        let lower = path.to_ascii_lowercase();
        let name = lower.rsplit('/').next().unwrap_or(&lower);
        let notation = notation(&lower, name);
        Self {
            notation,
            test: is_test(&lower, name, notation),
            generic: !is_machine_made(name) && !is_translation(&lower, name),
            binary: false,
            alone: alone(name).or_else(|| alone_in_folder(&lower)).filter(|_| matches!(notation, Notation::Unknown | Notation::Prose)),
        }
    }

    /// With what the bytes themselves say.
    #[must_use]
    pub fn and_bytes(self, text: &[u8]) -> Self {
        let binary = memchr::memchr(0, &text[..text.len().min(8192)]).is_some();
        let notation = if self.notation == Notation::Unknown { of_program(text).unwrap_or(self.notation) } else { self.notation };
        Self { binary, notation, ..self }
    }
}

/// What a text is written in whose first line names the program that runs it: `#!/usr/bin/env bash`.
fn of_program(text: &[u8]) -> Option<Notation> {
    let line = text.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let mut words = line.split(|byte| byte.is_ascii_whitespace() || *byte == b'/').filter(|word| !word.is_empty());
    words.find_map(|word| match word {
        b"sh" | b"bash" | b"dash" | b"zsh" | b"ksh" | b"ash" => Some(Notation::Lines),
        _ if [&b"python"[..], b"ruby", b"perl", b"node", b"php"].iter().any(|program| word.starts_with(program)) => Some(Notation::Source),
        _ => None,
    })
}

/// `db_password.txt`, `vault-pass`, `privatekey-peer1`: what a file of that name holds, if it is nothing else.
fn alone(name: &str) -> Option<Alone> {
    let stem = name.trim_start_matches('.');
    let (stem, extension) = stem.split_once('.').unwrap_or((stem, ""));
    if !matches!(extension, "" | "txt" | "secret" | "pass" | "password" | "token" | "key") {
        return None;
    }
    let mut words: Vec<&str> = stem.split(['-', '_', ' ']).collect();
    while words.len() > 1 && words.last().is_some_and(|word| is_counted(word)) {
        words.pop();
    }
    let last = words.last()?.trim_end_matches(|c: char| c.is_ascii_digit());
    let key = last == "key" && words.len() > 1 && KEY_QUALIFIERS.has(words[words.len() - 2]);
    let run_together = last.strip_suffix("key").is_some_and(|stem| stem.len() > 4 && KEY_QUALIFIERS.has(stem));
    match () {
        () if PASSWORDS.has(last) => Some(Alone::Password),
        // `master.key`
        () if TOKENS.has(last) || key || run_together || extension == "key" && KEY_QUALIFIERS.has(last) => Some(Alone::Token),
        () => None,
    }
}

/// `wireguard/private/laptop`: a key in a folder of keys.
fn alone_in_folder(path: &str) -> Option<Alone> {
    let folder = path.rsplit('/').nth(1)?;
    KEY_FOLDERS.has(folder).then_some(Alone::Token)
}

/// `peer12`, `3`: which one of several it is.
fn is_counted(word: &str) -> bool {
    word.len() <= 8 && word.ends_with(|c: char| c.is_ascii_digit())
}

fn notation(path: &str, name: &str) -> Notation {
    let mut stem = name;
    while let Some((rest, extension)) = stem.rsplit_once('.').filter(|(rest, _)| !rest.is_empty()) {
        if !TEMPLATE_EXTENSIONS.has(extension) {
            break;
        }
        stem = rest;
    }
    // `env.production`, `env-example`, and not `env.ts`
    let env = |joint: char| stem == "env" || stem.strip_prefix("env").is_some_and(|rest| rest.starts_with(joint));
    let variables_of = || env('.') && extension_notation(stem) == Notation::Unknown || !stem.contains('.') && (env('-') || env('_'));
    let dotenv = stem.starts_with(".env") || stem.ends_with(".env") || variables_of();
    if dotenv || stem.starts_with("dockerfile") || stem.starts_with("containerfile") {
        return Notation::Lines;
    }
    // Files of variables of Ansible need no extension.
    let variables = || path.rsplit('/').skip(1).take(2).any(|folder| matches!(folder, "group_vars" | "host_vars"));
    if !stem.contains('.') && variables() {
        return Notation::Yaml;
    }
    match extension_notation(if stem.contains('.') { stem } else { name }) {
        // `database.yml.mysql`: which of several files of settings it is.
        Notation::Unknown => {
            stem.rsplit_once('.').map(|(inner, _)| inner).filter(|inner| inner.contains('.')).map_or(Notation::Unknown, |inner| {
                Some(extension_notation(inner)).filter(|notation| notation.is_settings()).unwrap_or(Notation::Unknown)
            })
        }
        known => known,
    }
}

fn extension_notation(stem: &str) -> Notation {
    const KNOWN: [(&Lexicon, Notation); 5] = [
        (&PROSE_EXTENSIONS, Notation::Prose),
        (&YAML_EXTENSIONS, Notation::Yaml),
        (&LINES_EXTENSIONS, Notation::Lines),
        (&QUOTED_EXTENSIONS, Notation::Quoted),
        (&SOURCE_EXTENSIONS, Notation::Source),
    ];
    let extension = stem.rsplit_once('.').map_or(stem, |(_, extension)| extension);
    let known = |extension: &str| KNOWN.iter().find(|(extensions, _)| extensions.has(extension)).map(|(_, notation)| *notation);
    // `compose.override.yml-mail`
    let variant = || stem.contains('.').then(|| extension.split_once('-'))?.and_then(|(extension, _)| known(extension));
    known(extension).or_else(|| variant().filter(|notation| notation.is_settings())).unwrap_or(Notation::Unknown)
}

fn is_test(path: &str, name: &str, notation: Notation) -> bool {
    // `overlays/test` is an environment.
    let folder = |part: &str| TEST_FOLDERS.has(part) || part.ends_with("_test") || part.ends_with("-tests");
    let folders = path.strip_suffix(name).unwrap_or_default();
    let within = folders.split('/').any(folder) && !folders.split('/').any(|part| STAGE_FOLDERS.has(part));
    // Values that chart-testing installs a Helm chart with.
    let chart = (folders == "ci/" || folders.ends_with("/ci/")) && name.ends_with("values.yaml");
    let stem = name.split('.').next().unwrap_or(name);
    let marked = name.contains(".test.") || name.contains(".spec.") || name.contains(".stories.");
    // `10connect.t` of Perl, `bug-7.phpt`
    let marked = marked || [".snap", ".t", ".phpt", ".bats"].iter().any(|end| name.ends_with(end));
    // `appsettings.test.json` is of an environment.
    let marked = marked && !name.starts_with("appsettings.");
    // `Load-Test.md` is about tests.
    let document = notation == Notation::Prose && !name.ends_with(".txt");
    // `.github/workflows/run-test.yml` starts the services that the tests need.
    let pipeline = path.contains(".github/workflows/") && notation == Notation::Yaml;
    !pipeline && (within || chart || marked || !document && is_name_of_test(stem, name, notation))
}

/// `login_test.go`, `test_login.py`, `LoginTest.java`.
fn is_name_of_test(stem: &str, name: &str, notation: Notation) -> bool {
    stem.ends_with("_test")
        || stem.ends_with("_tests")
        || stem.starts_with("test_")
        || stem.starts_with("test-")
        || stem.starts_with("run-tests")
        || stem.ends_with("_spec")
        || stem == "phpunit"
        // `k8s/test.yaml` is of an environment.
        || matches!(stem, "test" | "tests" | "conftest") && !notation.is_settings()
        || stem.ends_with("-test")
        || stem.ends_with("-tests")
        || ["test.java", "test.kt", "test.cs", "tests.java", "tests.kt", "tests.cs"].iter().any(|end| name.ends_with(end))
}

/// Texts of a program in some language: `locales/fr.json`, `lang/de/auth.php`, `app.ga.yml` beside others.
fn is_translation(path: &str, name: &str) -> bool {
    let Some((stem, extension)) = name.rsplit_once('.') else { return false };
    let language = |tag: &str| {
        let (language, region) = tag.split_once(['-', '_']).unwrap_or((tag, "xx"));
        let letters = |part: &str| part.bytes().all(|byte| byte.is_ascii_lowercase());
        (2..=3).contains(&language.len()) && letters(language) && (2..=4).contains(&region.len()) && letters(region)
    };
    let folders = || path.rsplit('/').skip(1);
    let catalogue = || stem.split('.').count() == 2 && stem.starts_with("locale.") && stem.rsplit('.').next().is_some_and(language);
    let messages = || {
        // `_entryForm_de.properties`; `it` and `id` may be anything.
        let known =
            |tag: &str| ["de", "es", "fr", "ja", "ko", "nl", "pl", "pt_br", "ru", "sv", "tr", "uk", "zh_cn", "zh_tw"].contains(&tag);
        let tagged = || stem.match_indices('_').any(|(at, _)| known(&stem[at + 1..]));
        extension == "properties" && (stem.strip_prefix("messages_").is_some_and(language) || tagged())
    };
    TRANSLATION_EXTENSIONS.has(extension) && (folders().any(|folder| TRANSLATION_FOLDERS.has(folder)) || catalogue() || messages())
}

/// Written by tools, full of digests or of pictures in characters: names in them announce nothing.
fn is_machine_made(name: &str) -> bool {
    MACHINE_MADE.ends(name.as_bytes())
}

impl Notation {
    /// Whether programs read their settings from it, a name and a value without quotes a line.
    pub(in crate::detect) fn is_settings(self) -> bool {
        matches!(self, Self::Yaml | Self::Lines)
    }

    /// Whether a value without quotes can be taken as it stands.
    pub(in crate::detect) fn takes_bare_values(self) -> bool {
        matches!(self, Self::Unknown | Self::Prose | Self::Yaml | Self::Lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_notation_off_the_name() {
        for (path, notation) in [
            (".env.example", Notation::Lines),
            ("services/a/.env", Notation::Lines),
            ("docs/Guide.MD", Notation::Prose),
            ("k8s/secret.yaml", Notation::Yaml),
            ("Dockerfile.dev", Notation::Lines),
            ("a/main.go", Notation::Source),
            ("LICENSE", Notation::Unknown),
            ("env-example-mysql", Notation::Lines),
            ("env.production", Notation::Lines),
            ("environment.ts", Notation::Source),
            ("src/env.ts", Notation::Source),
            ("roles/db/templates/my.cnf.j2", Notation::Lines),
            ("config/database.yml.erb", Notation::Yaml),
            ("app/views/index.erb", Notation::Source),
            ("settings.py.prod.example", Notation::Source),
            ("group_vars/all", Notation::Yaml),
            ("config/database.yml.mysql", Notation::Yaml),
            ("compose/docker-compose.override.yml-mail", Notation::Yaml),
            ("cloud/user-data", Notation::Yaml),
            ("src/main.rs.patch", Notation::Unknown),
            ("inventory/host_vars/web1/main", Notation::Yaml),
        ] {
            assert_eq!(Hints::of_path(path).notation, notation, "{path}");
        }
    }

    #[test]
    fn knows_tests_and_lock_files() {
        for path in [
            "src/tests/a.rs",
            "web/login.test.ts",
            "charts/db/ci/test-values.yaml",
            "lib/__snapshots__/stack.snap",
            "a/testdata/x.yaml",
            "a/x_test.go",
            "test_x.py",
            "e2e-tests/conf/secrets.yml",
            "config/test.exs",
            "app/tests.py",
            "app/conftest.py",
            "src/UserTests.cs",
        ] {
            assert!(Hints::of_path(path).test, "{path}");
        }
        for path in [
            "src/latest/attestation.rs",
            "contest.go",
            ".env.test",
            "k8s/test.yaml",
            "overlays/test/x.yaml",
            "ci/deploy.yaml",
            "web/appsettings.test.json",
        ] {
            assert!(!Hints::of_path(path).test, "{path}");
        }
        assert!(!Hints::of_path("web/package-lock.json").generic);
        assert!(!Hints::of_path("lang/pt_BR/auth.php").generic);
        assert!(!Hints::of_path("config/locales/fr.yml").generic);
        assert!(!Hints::of_path("public/locale.ga.yml").generic);
        assert!(Hints::of_path("lang/main.go").generic);
    }
}
