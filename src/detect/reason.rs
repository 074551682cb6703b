//! Why something is held to be a secret, as stable codes, and why not.

use std::fmt;

/// One reason for or against a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// It has the format of a provider's credential.
    Format,
    /// A checksum or an inner structure was verified.
    Validated,
    /// It is assigned to a name that means a secret.
    Name,
    /// The text says in words that it is a secret.
    Prose,
    /// It stands in a table column or row of secrets.
    Table,
    /// It is the password part of a URL.
    UrlUserinfo,
    /// It is the `value` beside a `name` that means a secret.
    NameValuePair,
    /// It is data of a Kubernetes Secret.
    KubernetesSecret,
    /// It decodes from base64 to such a value.
    Base64,
    /// It decodes from hexadecimal to such a value.
    Hex,
    /// It looks random.
    Random,
    /// It mixes kinds of characters as passwords do.
    Mixed,
    /// It is made of words, as pass-phrases are.
    Words,
    /// An ARN or a service's host name says that it is an account number.
    Arn,
    /// Words or a name say that it is an account number.
    AccountName,
    /// The same number is an account number elsewhere in the text.
    SeenAsAccount,
    /// The same value is a secret elsewhere in the text.
    SeenElsewhere,
    /// It is a value that was to stand nowhere.
    Known,
    /// Against: it is short, a dictionary word, or digits alone.
    Weak,
    /// Against: a default that its product ships with.
    Default,
    /// Against: it stands in a test.
    Test,
    /// Against: the file is binary.
    Binary,
}

impl Reason {
    /// The code used in reports.
    pub fn code(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Validated => "validated",
            Self::Name => "name",
            Self::Prose => "prose",
            Self::Table => "table",
            Self::UrlUserinfo => "url-userinfo",
            Self::NameValuePair => "name-value-pair",
            Self::KubernetesSecret => "kubernetes-secret",
            Self::Base64 => "base64",
            Self::Hex => "hex",
            Self::Random => "random",
            Self::Mixed => "mixed-characters",
            Self::Words => "words",
            Self::Arn => "arn",
            Self::AccountName => "account-name",
            Self::SeenAsAccount => "seen-as-account",
            Self::SeenElsewhere => "seen-elsewhere",
            Self::Known => "known",
            Self::Weak => "weak",
            Self::Default => "default",
            Self::Test => "test",
            Self::Binary => "binary",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// What a value is instead of a secret.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Evidence {
    /// A stable name.
    pub id: &'static str,
    /// What the value is, behind "it is".
    pub what: &'static str,
}

impl Evidence {
    pub(super) const fn new(id: &'static str, what: &'static str) -> Self {
        Self { id, what }
    }
}

/// What speaks so strongly against a value that it is no match at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Objection {
    /// Too short or too long for its sort.
    Length,
    /// It is something else.
    Is(&'static Evidence),
    /// What it encodes is no secret.
    Encodes,
    /// A machine's secret would look generated.
    NotGenerated,
    /// Its characters vary too little for its format.
    Entropy,
    /// The rule names it as an exception.
    Exception,
    /// A checksum or an inner structure is wrong.
    Invalid,
    /// In a binary file it would have to be surer.
    Binary,
}

impl Objection {
    /// A stable name.
    pub fn code(self) -> &'static str {
        match self {
            Self::Is(evidence) => evidence.id,
            Self::Length => "length",
            Self::Encodes => "encodes-nothing",
            Self::NotGenerated => "not-generated",
            Self::Entropy => "entropy",
            Self::Exception => "exception",
            Self::Invalid => "invalid",
            Self::Binary => "binary-file",
        }
    }
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Is(Evidence { id, what }) if what.ends_with(id) => return write!(f, "it is {what}"),
            Self::Is(Evidence { id, what }) => return write!(f, "it is {what} ({id})"),
            Self::Length => "its length is not that of a secret",
            Self::Encodes => "what it encodes is no secret",
            Self::NotGenerated => "a token would look generated",
            Self::Entropy => "its characters vary too little for this format",
            Self::Exception => "the rule lists it as an exception",
            Self::Invalid => "its checksum or inner structure is wrong",
            Self::Binary => "the file is binary, where only sure values count",
        })
    }
}
