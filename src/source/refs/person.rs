//! Who works with a repository, as git's configuration has it, read as data.

use super::config::{Setting, settings};
use super::{GitDir, files};
use crate::source::object::Skip;

impl GitDir {
    /// `user.name <user.email>` of the repository's configuration, else of the user's own (texts, the strongest last).
    /// `None` if neither has a name or an address.
    ///
    /// # Errors
    /// When the configuration cannot be read.
    pub fn person(&self, own: &[Vec<u8>]) -> Result<Option<String>, Skip> {
        let mut all: Vec<Setting> = own.iter().flat_map(|text| settings(text)).collect();
        for file in [self.common().join("config"), self.path().join("config.worktree")] {
            all.extend(settings(&files::read(&file)?.unwrap_or_default()));
        }
        Ok(of(&all))
    }
}

/// The person that configurations of git name, the last of which counts.
pub fn person_in(texts: &[Vec<u8>]) -> Option<String> {
    of(&texts.iter().flat_map(|text| settings(text)).collect::<Vec<_>>())
}

fn of(all: &[Setting]) -> Option<String> {
    let last = |key: &str| {
        let value = all.iter().rev().find(|one| one.is("user", key) && one.subsection.is_empty())?.value.as_ref()?;
        Some(String::from_utf8_lossy(value).into_owned()).filter(|value| !value.is_empty())
    };
    match (last("name"), last("email")) {
        (Some(name), Some(email)) => Some(format!("{name} <{email}>")),
        (name, email) => name.or(email),
    }
}
