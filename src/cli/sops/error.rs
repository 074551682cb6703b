//! What to try when an operation on a SOPS file fails.

use crate::cli::error::CliError;
use crate::ledger::KeyError;
use crate::sops::creation_rule::{ConfigError, RuleError};
use crate::sops::crypt::Fault;
use crate::sops::keyring::OpenError;
use crate::sops::merge::MergeError;
use crate::sops::ops::{DecryptError, EditError, EncryptError, StrayError};
use crate::sops::path::PathError;
use crate::sops::recipient::RecipientError;
use crate::sops::store::{ReadError, WriteError};

impl From<EncryptError> for CliError {
    fn from(error: EncryptError) -> Self {
        let hint = match &error {
            EncryptError::Read(error) => read(error),
            EncryptError::AlreadyEncrypted => "`sopup edit` changes its values, `sopup updatekeys` who can read it",
            EncryptError::ReservedKey => "sops reads everything below `sops` as its own",
            EncryptError::Refused(_) => "change these lines, or encrypt the file as a whole with `--input-type binary`",
            EncryptError::NoRecipients => NO_RECIPIENTS,
            EncryptError::NothingSelected { .. } => {
                "correct the selector (`--encrypted-regex`, …, or in .sops.yaml), or say `--allow-plain` if that is meant"
            }
            EncryptError::Recipient(error) => recipient(error),
            EncryptError::Service(_) => {
                "nothing was written; sops needs access to these keys: a public key in gpg's keyring, credentials of the cloud, …"
            }
            EncryptError::Shamir(_) => "`--shamir-secret-sharing-threshold` must be at least 2 and at most the number of key groups",
            EncryptError::Crypt(error) => fault(&error.fault),
            EncryptError::Cipher(_) => "this should not happen; please report it",
            EncryptError::Write(error) => write(error),
        };
        Self::new(error.to_string(), hint)
    }
}

impl From<DecryptError> for CliError {
    fn from(error: DecryptError) -> Self {
        let hint = match &error {
            DecryptError::Read(error) => read(error),
            DecryptError::NotEncrypted => "`sopup encrypt --in-place FILE` encrypts it",
            DecryptError::Metadata(_) => "restore its `sops` block from an older version of the file",
            DecryptError::Open(OpenError::Damaged { .. }) => {
                "restore the file from an older version, or let another recipient run `updatekeys`"
            }
            DecryptError::Open(_) => "ask one of its recipients",
            DecryptError::Crypt(_) => "the file was changed without sops; restore an older version of it",
            DecryptError::Mac(_) => {
                "the file was changed without sops: restore an older version, or look at what changed and say `--ignore-mac`"
            }
            DecryptError::Path(error) => path(error),
            DecryptError::Cipher(_) => "this should not happen; please report it",
            DecryptError::Write(error) => write(error),
        };
        Self::new(error.to_string(), hint)
    }
}

impl From<KeyError> for CliError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Open(error) => error.into(),
            KeyError::Mac(error) => DecryptError::Mac(error).into(),
            KeyError::Path(_) | KeyError::Short => Self::new(error.to_string(), "restore the file from an older version"),
        }
    }
}

impl From<EditError> for CliError {
    fn from(error: EditError) -> Self {
        let hint = match error {
            EditError::Decrypt(error) => return error.into(),
            EditError::Keys(error) => return (*error).into(),
            EditError::Mac(error) => return DecryptError::Mac(error).into(),
            EditError::Path(ref error) => path(error),
            EditError::Crypt(ref error) => fault(&error.fault),
            EditError::Recipient(ref error) => recipient(error),
            EditError::ForeignKey { .. } => {
                "nothing was changed. `sops` with access to that key can do it; `sopup updatekeys --keep-data-key` removes others and keeps it"
            }
            EditError::CannotAdd { .. } => {
                "nothing was changed. Install sops 3.8 or newer, or name it with `--sops PROGRAM`: sopup lets it encrypt the data key for them"
            }
            EditError::StaysPlain { .. } => {
                "nothing was written. Choose a key that the selector covers, or say `--allow-plain` if it is no secret; to give the file another selector, decrypt it and encrypt it anew"
            }
            EditError::Cipher(_) => "this should not happen; please report it",
            EditError::Write(ref error) => write(error),
        };
        Self::new(error.to_string(), hint)
    }
}

impl From<StrayError> for CliError {
    fn from(error: StrayError) -> Self {
        let hint = match error {
            StrayError::Edit(error) => return error.into(),
            StrayError::Refused(_) => "rewrite that line in a plainer form",
            StrayError::Altered { .. } => "put it in quotes",
            StrayError::Unproven => "restore an older version, then put the values in with `sopup set`",
        };
        Self::new(error.to_string(), hint)
    }
}

impl From<MergeError> for CliError {
    fn from(error: MergeError) -> Self {
        let said = error.to_string();
        let hint = match error {
            MergeError::NotEncrypted => "git merges plain files itself",
            MergeError::Decrypted { .. } => "decide which it is to be: `git checkout --ours FILE` or `--theirs`",
            MergeError::Open { source, .. } => return Self::new(said, Self::from(source).hint().unwrap_or_default()),
            MergeError::Keys | MergeError::Setting { .. } | MergeError::Metadata(_) | MergeError::Documents => {
                "take one side whole (`git checkout --ours FILE` or `--theirs`), then set the values of the other with `sopup set`, or let `sopup updatekeys` follow .sops.yaml"
            }
            MergeError::Edit(error) => return error.into(),
            MergeError::NotFaithful => "take one side whole (`git checkout --ours FILE` or `--theirs`), and report the form of this file",
        };
        Self::new(said, hint)
    }
}

impl From<WriteError> for CliError {
    fn from(error: WriteError) -> Self {
        Self::new(error.to_string(), write(&error))
    }
}

impl From<ReadError> for CliError {
    fn from(error: ReadError) -> Self {
        Self::new(error.to_string(), read(&error))
    }
}

impl From<PathError> for CliError {
    fn from(error: PathError) -> Self {
        Self::new(error.to_string(), path(&error))
    }
}

impl From<RecipientError> for CliError {
    fn from(error: RecipientError) -> Self {
        Self::new(error.to_string(), recipient(&error))
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        Self::from(&error)
    }
}

impl From<&ConfigError> for CliError {
    fn from(error: &ConfigError) -> Self {
        let hint = match error {
            ConfigError::Read(_) | ConfigError::Field { .. } | ConfigError::AgeKeys { .. } => {
                "correct .sops.yaml, or use another one with `--config FILE`"
            }
            ConfigError::ManySelectors { .. } => "keep one of them",
            ConfigError::Pattern { .. } | ConfigError::PathPattern { .. } => {
                "sops reads regular expressions as Go does: without look-ahead and back-references"
            }
            ConfigError::Recipient { source, .. } => recipient(source),
        };
        Self::new(format!(".sops.yaml: {error}"), hint)
    }
}

impl From<RuleError> for CliError {
    fn from(error: RuleError) -> Self {
        match &error {
            RuleError::Broken(fault) => Self::from(&**fault),
            RuleError::NoMatch { .. } => Self::new(
                error.to_string(),
                "add a rule for it, or leave the configuration out with `--config /dev/null` and name recipients with `--age`",
            ),
        }
    }
}

pub(super) const NO_RECIPIENTS: &str =
    "name who can decrypt it with `--age age1…` or SOPS_AGE_RECIPIENTS, or let `sopup init` write a .sops.yaml that does";

fn read(error: &ReadError) -> &'static str {
    match error {
        ReadError::TooLarge { .. } => "keep large files outside of sops and encrypt a key for them instead",
        ReadError::NotUtf8 { .. } => "`--input-type binary` takes any bytes",
        ReadError::TopLevel { .. } => "`--input-type binary` takes the file as a whole, here and when it is decrypted",
        ReadError::Conflict { .. } => "`sopup merge-driver install --write`, then `git checkout -m -- FILE`, merges it by its values",
        ReadError::Empty => "put a value into it first",
        ReadError::Syntax { .. } => "correct that line; if the file has another format than its name says, name it with `--input-type`",
    }
}

fn write(error: &WriteError) -> &'static str {
    match error {
        WriteError::Unrepresentable { .. } => "choose another format with `--output-type`",
        WriteError::Refused { .. } => "rewrite that part of the file in a plainer form",
        WriteError::NotFaithful => "nothing was written; please report the form of this file",
    }
}

fn path(error: &PathError) -> &'static str {
    match error {
        PathError::Malformed => "put it in single quotes for the shell: '[\"database\"][\"password\"]'",
        PathError::NotFound { .. } => "its keys are not encrypted: look at the file to see them",
    }
}

fn recipient(error: &RecipientError) -> &'static str {
    match error {
        RecipientError::Malformed { .. } | RecipientError::SshType { .. } => "`age-keygen -y KEYFILE` shows the recipient of an identity",
        RecipientError::PrivateKey => "change that key if anybody could see it: it is secret",
        RecipientError::Plugin(_) | RecipientError::Wrap { .. } => "a recipient age1NAME1… needs the program age-plugin-NAME",
    }
}

fn fault(fault: &Fault) -> &'static str {
    match fault {
        Fault::Alias => "sops has no aliases: it would write the value out in both places",
        _ => "correct the value at that place",
    }
}
