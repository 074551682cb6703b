//! Files that somebody named for what a command makes.

use std::path::Path;

use super::error::CliError;
use crate::file::{Access, put};

/// Writes a file, whole or not at all.
pub(super) fn write_file(file: &Path, content: &[u8], access: Access) -> Result<(), CliError> {
    let written = put(file, content, access);
    written.map(drop).map_err(|error| CliError::new(error.to_string(), "name a file in a folder that you can write to"))
}
