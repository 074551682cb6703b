//! What words mean: the lists of `patterns/lexicon/` and the languages of `patterns/words/`, each read when it is first
//! needed.

use std::collections::HashSet;
use std::sync::LazyLock;

use foldhash::fast::FixedState;

/// Words or texts with one meaning.
pub(crate) struct Lexicon {
    entries: LazyLock<Vec<&'static str>>,
    set: LazyLock<HashSet<&'static str, FixedState>>,
}

impl Lexicon {
    /// Whether a word is in the list.
    pub(crate) fn has(&self, word: &str) -> bool {
        self.set.contains(word)
    }

    /// Whether a word is in the list, in upper or lower case.
    pub(crate) fn is(&self, word: &[u8]) -> bool {
        self.entries.iter().any(|entry| word.eq_ignore_ascii_case(entry.as_bytes()))
    }

    /// Whether a text begins with an entry.
    pub(crate) fn begins(&self, text: &[u8]) -> bool {
        self.entries.iter().any(|entry| text.starts_with(entry.as_bytes()))
    }

    /// Whether a text ends with an entry.
    pub(crate) fn ends(&self, text: &[u8]) -> bool {
        self.entries.iter().any(|entry| text.ends_with(entry.as_bytes()))
    }

    /// Whether an entry stands somewhere in a text.
    pub(crate) fn within(&self, text: &[u8]) -> bool {
        self.entries.iter().any(|entry| memchr::memmem::find(text, entry.as_bytes()).is_some())
    }

    /// All entries, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'static str> {
        self.entries.iter().copied()
    }
}

/// A list separated by commas or line ends; `#` starts a comment line.
fn listed(text: &'static str) -> impl Iterator<Item = &'static str> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|entry| !entry.is_empty())
}

macro_rules! lexicon {
    ($name:ident, $doc:expr, $entries:expr) => {
        #[doc = $doc]
        pub(crate) static $name: Lexicon =
            Lexicon { entries: LazyLock::new(|| $entries.collect()), set: LazyLock::new(|| $name.entries.iter().copied().collect()) };
    };
    ($name:ident, $file:literal) => {
        lexicon!(
            $name,
            concat!("`patterns/lexicon/", $file, ".txt`."),
            listed(include_str!(concat!("../../patterns/lexicon/", $file, ".txt")))
        );
    };
    ($name:ident of all languages) => {
        lexicon!($name, "Of `patterns/words/`.", languages::$name.iter().copied());
    };
}

/// What the languages of `patterns/words/` have in common fields.
mod languages {
    include!(concat!(env!("OUT_DIR"), "/languages.rs"));
}

lexicon!(PASSWORDS of all languages);
lexicon!(TOKENS of all languages);
lexicon!(VERBS of all languages);
lexicon!(AUXILIARIES of all languages);
lexicon!(PREPOSITIONS of all languages);
lexicon!(PARTICLES of all languages);
lexicon!(TELLING of all languages);
lexicon!(DEFAULTS of all languages);
lexicon!(DENIALS of all languages);
lexicon!(CONJUNCTIONS of all languages);
lexicon!(BOTH of all languages);
lexicon!(USING of all languages);
lexicon!(CHANGING of all languages);
lexicon!(SETTLES of all languages);
lexicon!(FILLERS of all languages);
lexicon!(USERS of all languages);
lexicon!(VALUES of all languages);

lexicon!(ABOUT, "about");
lexicon!(ABOUT_NAMES, "about-names");
lexicon!(ACCOUNTS, "accounts");
lexicon!(ACCOUNT_COLUMNS, "account-columns");
lexicon!(ACCOUNT_WORDS, "account-words");
lexicon!(ASKING_WORDS, "asking-words");
lexicon!(BEFORE_PASSWORD, "before-password");
lexicon!(ASSUMING_PHRASES, "assuming-phrases");
lexicon!(SAMPLE_MARKS, "sample-marks");
lexicon!(BEFORE_VERBS, "before-verbs");
lexicon!(BOASTS, "boasts");
lexicon!(BUILT_IN_PHRASES, "built-in-phrases");
lexicon!(CHECKSUM_ALGORITHMS, "checksum-algorithms");
lexicon!(CIPHERTEXT_STARTS, "ciphertext-starts");
lexicon!(CLUSTER_SECRETS, "cluster-secrets");
lexicon!(CONNECTION_FIELDS, "connection-fields");
lexicon!(DOCUMENT_EXTENSIONS, "document-extensions");
lexicon!(ENTERING_VERBS, "entering-verbs");
lexicon!(ENVIRONMENT_CALLS, "environment-calls");
lexicon!(EXAMPLE_ACCOUNTS, "aws-example-accounts");
lexicon!(EXAMPLE_HOSTS, "example-hosts");
lexicon!(EXAMPLE_HEADINGS, "example-headings");
lexicon!(EXAMPLE_PHRASES, "example-phrases");
lexicon!(FAKE_TOKEN_MARKS, "fake-token-marks");
lexicon!(FILE_EXTENSIONS, "file-extensions");
lexicon!(HASHING_CALLS, "hashing-calls");
lexicon!(HASH_MARKS, "hash-marks");
lexicon!(KEY_ENDINGS, "key-endings");
lexicon!(KEY_FOLDERS, "key-folders");
lexicon!(KEY_QUALIFIERS, "key-qualifiers");
lexicon!(LINES_EXTENSIONS, "lines-extensions");
lexicon!(MACHINE_MADE, "machine-made");
lexicon!(NOT_ONE, "not-one");
lexicon!(NOUNS, "nouns");
lexicon!(NO_TOKEN, "no-token");
lexicon!(NO_VALUES, "no-values");
lexicon!(OPENING_WORDS, "opening-words");
lexicon!(OTHER_KEYS, "other-keys");
lexicon!(OTHER_PASSES, "other-passes");
lexicon!(OTHER_STEMS, "other-stems");
lexicon!(PASSWORD_ENDINGS, "password-endings");
lexicon!(PLACEHOLDER_MARKS, "placeholder-marks");
lexicon!(PLAIN_SECRETS, "plain-secrets");
lexicon!(PROSE_EXTENSIONS, "prose-extensions");
lexicon!(PUBLIC_ACCOUNTS, "aws-public-accounts");
lexicon!(PUBLIC_FIELDS, "public-fields");
lexicon!(QUOTED_EXTENSIONS, "quoted-extensions");
lexicon!(REFERENCE_STARTS, "reference-starts");
lexicon!(SEALED_FIELDS, "sealed-fields");
lexicon!(SAMPLE_PASSWORDS, "sample-passwords");
lexicon!(SENTENCE_WORDS, "sentence-words");
lexicon!(SERVICE_WORDS, "service-words");
lexicon!(SETTING_CALLS, "setting-calls");
lexicon!(SIGNED_SECTIONS, "signed-sections");
lexicon!(SIGNING_WORDS, "signing-words");
lexicon!(SOURCE_EXTENSIONS, "source-extensions");
lexicon!(STAGE_FOLDERS, "stage-folders");
lexicon!(STAND_INS, "stand-ins");
lexicon!(STAND_IN_STARTS, "stand-in-starts");
lexicon!(STAND_IN_USERS, "stand-in-users");
lexicon!(SYSTEM_FOLDERS, "system-folders");
lexicon!(TECHNICAL, "technical");
lexicon!(TEMPLATE_EXTENSIONS, "template-extensions");
lexicon!(TEST_FOLDERS, "test-folders");
lexicon!(TOKEN_VERBS, "token-verbs");
lexicon!(TRANSLATION_EXTENSIONS, "translation-extensions");
lexicon!(TRANSLATION_FOLDERS, "translation-folders");
lexicon!(UNITS, "units");
lexicon!(VALUE_NAMES, "value-names");
lexicon!(VARIABLE_ENDINGS, "variable-endings");
lexicon!(WEAK_PASSWORDS, "weak-passwords");
lexicon!(WRAPPING_CALLS, "wrapping-calls");
lexicon!(YAML_EXTENSIONS, "yaml-extensions");
