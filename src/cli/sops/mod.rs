//! The commands for SOPS files, with the names, options and variables of sops. One file per command; what they share
//! is in [`file`] (which file, which format), [`keys`] (identities), [`rules`] (`.sops.yaml`) and [`child`] (programs
//! that are given plain text).

pub(super) mod child;
pub(super) mod decrypt;
pub(super) mod diff;
pub(super) mod doctor;
pub(super) mod edit;
pub(super) mod encrypt;
mod error;
pub(super) mod exec_env;
pub(super) mod exec_file;
mod file;
pub(super) mod filestatus;
pub(super) mod init;
mod key_programs;
pub(super) mod keys;
pub(super) mod line;
pub(super) mod merge_driver;
pub(super) mod rotate;
mod rules;
pub(super) mod set;
pub(super) mod textconv;
pub(super) mod unset;
pub(super) mod updatekeys;

pub(super) use key_programs::{KeyPrograms, SopsArg};

use crate::sops::ops::MacCheck;
use crate::sops::timestamp::Timestamp;

/// Whether to go on with a file whose MAC does not hold.
#[derive(Debug, clap::Args)]
struct IgnoreMac {
    /// Go on although the MAC does not hold: somebody may have changed the file
    #[arg(long)]
    ignore_mac: bool,
}

impl IgnoreMac {
    fn check(&self) -> MacCheck {
        if self.ignore_mac { MacCheck::Ignored } else { MacCheck::Required }
    }
}

/// The time that new metadata records.
pub(super) fn now() -> Timestamp {
    let text = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    Timestamp::parse_rfc3339(&text).expect("it was made in that form")
}
