//! Why something is held to be a secret, as stable codes.

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
