//! [`Remedy`]: what can be done about a problem without anybody's decision, and why not about the others.

use std::borrow::Cow;

use super::Problem;

/// What can be done about a problem.
#[derive(Clone, Debug)]
pub enum Remedy {
    /// A repair that keeps all values.
    By(Repair),
    /// Nothing that is safe.
    None(Left),
}

/// A change that keeps all values, in the order in which several are made.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Repair {
    /// Line feeds in the place of CRLF.
    LineEnds,
    /// Plain values that the selector covers are encrypted.
    PlainValues,
    /// Those whom the creation rule names can open the file, and nobody else.
    Recipients,
    /// All values are encrypted anew under a new data key.
    DataKey,
}

/// Why a problem stays, and what somebody may do about it.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Left {
    /// Why it was not mended.
    pub reason: Cow<'static, str>,
    /// What to try.
    pub attempt: Cow<'static, str>,
}

impl Repair {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::LineEnds, Self::PlainValues, Self::Recipients, Self::DataKey];

    /// A name for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::LineEnds => "line-ends",
            Self::PlainValues => "plain-values",
            Self::Recipients => "recipients",
            Self::DataKey => "data-key",
        }
    }

    /// Whether this is the repair for a problem.
    #[must_use]
    pub fn mends(self, problem: &Problem) -> bool {
        matches!(problem.remedy(), Remedy::By(repair) if repair == self)
    }
}

impl Left {
    /// Both in words that do not depend on the file.
    #[must_use]
    pub const fn new(reason: &'static str, attempt: &'static str) -> Self {
        Self { reason: Cow::Borrowed(reason), attempt: Cow::Borrowed(attempt) }
    }
}

const OLDER: &str = "restore an older version: `git log -- FILE` lists them";

impl Problem {
    /// What can be done about it.
    #[must_use]
    pub const fn remedy(&self) -> Remedy {
        let (reason, attempt) = match self {
            Self::CarriageReturns => return Remedy::By(Repair::LineEnds),
            Self::PlainValue { .. } => return Remedy::By(Repair::PlainValues),
            Self::UnknownRecipient { .. } | Self::MissingRecipient { .. } => return Remedy::By(Repair::Recipients),
            Self::NonceReused { .. } => return Remedy::By(Repair::DataKey),
            Self::Unreadable(_) => ("what the line was to say is not known", "correct that line, or restore an older version"),
            Self::NotEncrypted => ("what reads it now would read ciphertext", "`sopup encrypt --in-place FILE`"),
            Self::PlainStore => (
                "no creation rule would encrypt a value of it",
                "add or correct a rule in .sops.yaml, then `sopup encrypt --in-place FILE`",
            ),
            Self::NoMetadata => ("the data key went with the metadata", OLDER),
            Self::BadMetadata(_) => ("without sound metadata nothing in it can be proved", OLDER),
            Self::BadMac(_) => (
                "a new MAC would hide what was changed",
                "compare it with `git log -p -- FILE`; `sopup rotate --in-place --ignore-mac FILE` takes it as it is",
            ),
            Self::DoesNotDecrypt(_) => ("what is damaged cannot be made from the rest", OLDER),
            Self::DamagedValue { .. } => {
                ("what is damaged cannot be made from the rest", "take it from an older version, or set it anew with `sopup set`")
            }
            Self::EncryptedInPlainPlace { .. } => {
                ("its value would stand in plain text", "give the file the selector or the key that it had when it was encrypted")
            }
            Self::NothingEncrypted { .. } => (
                "whether the selector or the keys are wrong is not known",
                "correct the selector in .sops.yaml, then `sopup decrypt FILE | sopup encrypt --filename-override FILE --output FILE`",
            ),
            Self::PlainComments { .. } => {
                ("they may be meant to be read", "take them out, or save a change with `sopup edit FILE`, which encrypts all comments")
            }
            Self::BrokenComments { .. } => ("what is damaged cannot be made from the rest", "take these comments out, or restore them"),
            Self::OtherSelector { .. } => (
                "whether the file or the rule is right is not known",
                "correct .sops.yaml, or `sopup decrypt FILE | sopup encrypt --filename-override FILE --output FILE`",
            ),
            Self::Undecrypted { .. } => {
                ("how the cluster decrypts is not for this file to say", "a ksops generator, or `decryption:` in Flux's Kustomization")
            }
            Self::SingleRecipient => {
                ("who else is to open it is not known", "name a second recipient in .sops.yaml, then `sopup doctor --fix`")
            }
            Self::MixedRecipients => {
                ("who is to lose access is not known", "name only post-quantum recipients in .sops.yaml, then `sopup doctor --fix`")
            }
            Self::PlainValuesUnguarded => (
                "the file says so itself",
                "take `mac_only_encrypted` out of .sops.yaml, then `sopup decrypt FILE | sopup encrypt --filename-override FILE --output FILE`",
            ),
            Self::ChangedUnnoticed => {
                ("a new digest would hide what was changed", "compare it with `git log -p -- FILE`, then `sopup doctor --record`")
            }
            Self::DigestOutdated | Self::NoDigest => ("somebody is to look at the file first", "`sopup doctor --record`"),
        };
        Remedy::None(Left::new(reason, attempt))
    }
}
