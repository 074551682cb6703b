//! The options of sops 3.11 and what they mean here.

/// An option of sops.
#[derive(Debug)]
pub(super) struct Known {
    /// The long name first.
    pub(super) names: &'static [&'static str],
    pub(super) takes_value: bool,
    pub(super) means: Means,
}

/// What becomes of an option.
#[derive(Clone, Copy, Debug)]
pub(super) enum Means {
    /// sopup's command has it under the same name. Before a command that does not know it, sops passes over it.
    Same,
    /// It stands for a command.
    Mode(&'static str),
    /// It stands for `set`, its index and its value.
    Set,
    /// The result is the same without it.
    Nothing,
    /// It is passed over, which the user should know.
    Note(&'static str),
    /// It names keys that sopup cannot encrypt for.
    ForeignKeys,
    /// sopup cannot do what it asks for.
    Refused(&'static str),
}

pub(super) const FOREIGN_KEYS: &str = "sopup encrypts for age and SSH keys only; use sops for keys of other kinds";

const SWITCH: bool = false;
const VALUE: bool = true;

const fn option(names: &'static [&'static str], takes_value: bool, means: Means) -> Known {
    Known { names, takes_value, means }
}

static OPTIONS: [Known; 61] = [
    option(&["decrypt", "d"], SWITCH, Means::Mode("decrypt")),
    option(&["encrypt", "e"], SWITCH, Means::Mode("encrypt")),
    option(&["rotate", "r"], SWITCH, Means::Mode("rotate")),
    option(&["set"], VALUE, Means::Set),
    option(&["in-place", "i"], SWITCH, Means::Same),
    option(&["output"], VALUE, Means::Same),
    option(&["extract"], VALUE, Means::Same),
    option(&["input-type"], VALUE, Means::Same),
    option(&["output-type"], VALUE, Means::Same),
    option(&["filename-override"], VALUE, Means::Same),
    option(&["config"], VALUE, Means::Same),
    option(&["indent"], VALUE, Means::Same),
    option(&["ignore-mac"], SWITCH, Means::Same),
    option(&["mac-only-encrypted"], SWITCH, Means::Same),
    option(&["age", "a"], VALUE, Means::Same),
    option(&["add-age"], VALUE, Means::Same),
    option(&["rm-age"], VALUE, Means::Same),
    option(&["unencrypted-suffix"], VALUE, Means::Same),
    option(&["encrypted-suffix"], VALUE, Means::Same),
    option(&["unencrypted-regex"], VALUE, Means::Same),
    option(&["encrypted-regex"], VALUE, Means::Same),
    option(&["unencrypted-comment-regex"], VALUE, Means::Same),
    option(&["encrypted-comment-regex"], VALUE, Means::Same),
    option(&["shamir-secret-sharing-threshold"], VALUE, Means::Same),
    option(&["yes", "y"], SWITCH, Means::Same),
    option(&["idempotent"], SWITCH, Means::Same),
    option(&["value-file"], SWITCH, Means::Same),
    option(&["value-stdin"], SWITCH, Means::Same),
    option(&["pristine"], SWITCH, Means::Same),
    option(&["same-process"], SWITCH, Means::Same),
    option(&["no-fifo"], SWITCH, Means::Same),
    option(&["filename"], VALUE, Means::Same),
    option(&["verbose"], SWITCH, Means::Nothing),
    option(&["disable-version-check"], SWITCH, Means::Nothing),
    option(&["check-for-updates"], SWITCH, Means::Nothing),
    // All keys at hand are tried.
    option(&["decryption-order"], VALUE, Means::Nothing),
    option(&["enable-local-keyservice"], SWITCH, Means::Nothing),
    // They belong to keys of AWS.
    option(&["aws-profile"], VALUE, Means::Nothing),
    option(&["encryption-context"], VALUE, Means::Nothing),
    option(&["keyservice"], VALUE, Means::Note("sopup talks to no servers")),
    option(&["show-master-keys", "s"], SWITCH, Means::Note("the editor shows values only; `updatekeys` and `rotate` change keys")),
    option(&["background"], SWITCH, Means::Refused("nothing would wipe what was decrypted; put `&` behind the whole line")),
    option(&["user"], VALUE, Means::Refused("run the whole line as that user, for instance with `sudo -u`")),
    option(&["kms", "k"], VALUE, Means::ForeignKeys),
    option(&["gcp-kms"], VALUE, Means::ForeignKeys),
    option(&["hckms"], VALUE, Means::ForeignKeys),
    option(&["azure-kv"], VALUE, Means::ForeignKeys),
    option(&["hc-vault-transit"], VALUE, Means::ForeignKeys),
    option(&["pgp", "p"], VALUE, Means::ForeignKeys),
    option(&["add-kms"], VALUE, Means::ForeignKeys),
    option(&["add-gcp-kms"], VALUE, Means::ForeignKeys),
    option(&["add-hckms"], VALUE, Means::ForeignKeys),
    option(&["add-azure-kv"], VALUE, Means::ForeignKeys),
    option(&["add-hc-vault-transit"], VALUE, Means::ForeignKeys),
    option(&["add-pgp"], VALUE, Means::ForeignKeys),
    option(&["rm-kms"], VALUE, Means::ForeignKeys),
    option(&["rm-gcp-kms"], VALUE, Means::ForeignKeys),
    option(&["rm-hckms"], VALUE, Means::ForeignKeys),
    option(&["rm-azure-kv"], VALUE, Means::ForeignKeys),
    option(&["rm-hc-vault-transit"], VALUE, Means::ForeignKeys),
    option(&["rm-pgp"], VALUE, Means::ForeignKeys),
];

/// The option of a name without its dashes.
pub(super) fn known(name: &str) -> Option<&'static Known> {
    OPTIONS.iter().find(|option| option.names.contains(&name))
}

/// A name with its dashes.
pub(super) fn spelled(name: &str) -> String {
    if name.len() == 1 { format!("-{name}") } else { format!("--{name}") }
}
