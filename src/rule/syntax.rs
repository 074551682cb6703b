//! One rule file as written. Whether it makes sense is decided in `compile`.
//!
//! Shared with `build.rs`, so it depends on nothing else in the crate.

use serde::Deserialize;

/// A file of rules of one provider.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleFile {
    /// Whose credentials these are.
    pub provider: String,
    /// Its rules.
    pub rules: Vec<RuleSyntax>,
}

/// One rule as written; `docs/src/writing-rules.md` explains each field.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "docs/src/writing-rules.md documents the fields")]
pub struct RuleSyntax {
    pub id: String,
    /// Its id, if it is empty.
    #[serde(default)]
    pub name: String,
    #[serde(default = "usual")]
    pub severity: Severity,
    #[serde(default)]
    pub kind: Kind,
    #[serde(default = "high")]
    pub confidence: Confidence,
    #[serde(default)]
    pub keywords: Vec<String>,
    pub pattern: Option<String>,
    pub extractor: Option<Extractor>,
    pub block: Option<Block>,
    #[serde(default)]
    pub judge: Judge,
    #[serde(default)]
    pub validators: Vec<Validator>,
    pub min_entropy: Option<f64>,
    #[serde(default)]
    pub reject: Vec<String>,
    pub env: Option<String>,
    #[serde(default)]
    pub rotate: Rotate,
    #[serde(default)]
    pub references: Vec<String>,
    pub examples: Vec<String>,
    #[serde(default)]
    pub negatives: Vec<String>,
}

/// How to replace a leaked credential.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotate {
    /// The page where it is replaced.
    pub url: Option<String>,
    /// What to do, in order.
    pub steps: Vec<String>,
}

fn high() -> Confidence {
    Confidence::High
}

fn usual() -> Severity {
    Severity::High
}

/// What a leak lets a stranger do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Identifiers and publishable keys.
    Low,
    /// Limited or short-lived access.
    Medium,
    /// Acts for a user or a service.
    High,
    /// Full control, money or production data.
    Critical,
}

/// How sure it is that a finding is a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// More likely noise.
    Low,
    /// Probably a secret.
    Medium,
    /// All but certain.
    High,
}

/// What sort of thing a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Issued by a service to a program.
    #[default]
    Token,
    /// Chosen or typed by a person.
    Password,
    /// The private half of a key pair.
    PrivateKey,
    /// An address with a password in it.
    ConnectionUrl,
    /// Not secret alone, such as an account number.
    Identifier,
    /// A one-way hash of a password.
    Hash,
}

/// Code that finds candidates where no pattern can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Extractor {
    /// A value assigned to a name that means a password.
    Password,
    /// A literal under a password's name that is a default, a dictionary word or digits alone.
    WeakPassword,
    /// A value assigned to a name that means a token, a key or another machine's secret.
    Token,
    /// A URL with a password in its user information.
    ConnectionUrl,
    /// Account numbers of AWS.
    AwsAccount,
}

/// How the end of a multi-line credential is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Block {
    /// From the matched `-----BEGIN X-----` to `-----END X-----`.
    Pem,
    /// On through the lines below that hold base64 and nothing else.
    Base64,
}

/// Which plausibility test a pattern's capture must pass besides the placeholder test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judge {
    /// The format alone is proof enough.
    #[default]
    Format,
    /// Like a password assigned to a name.
    Password,
    /// Like a machine's secret assigned to a name.
    Token,
    /// Like a password; where programs and settings hand one on, the word for it is a weak one, since nothing but a value can
    /// stand there.
    Literal,
}

/// A named check of a credential, see `detect::worth::validator`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "docs/src/writing-rules.md documents the validators")]
pub enum Validator {
    Crc32Base62,
    Jwt,
    AwsAccessKeyId,
    Base64,
    Base64Json,
    Base64Pair,
    Uuid,
    Nkey,
}
