//! [`Book`]: the file of a baseline, where it is, and how it is read and changed.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use crate::baseline::{Baseline, FILE, form};
use crate::cli::environment::{ConfigChoice, KEY_VARIABLE, configuration_file, fingerprint_key, today};
use crate::cli::error::CliError;
use crate::config::Config;
use crate::file::{self, Access, FileError, RealDisk, read};
use crate::finding::FingerprintKey;

/// Which baseline a scan obeys.
#[derive(Debug, Default, clap::Args)]
pub(in crate::cli) struct BaselineArgs {
    /// Use this baseline instead of .sopup-baseline beside .sopup.yaml
    #[arg(help_heading = "What counts", long, value_name = "FILE", conflicts_with = "no_baseline")]
    baseline: Option<PathBuf>,

    /// Report what the baseline names as well
    #[arg(help_heading = "What counts", long)]
    no_baseline: bool,
}

impl BaselineArgs {
    /// The file that counts, if it is there.
    pub(in crate::cli) fn file(&self, choice: &ConfigChoice) -> Result<Option<PathBuf>, CliError> {
        Ok(Book::find(self.baseline.as_deref(), choice)?.map(|book| book.path).filter(|path| !self.no_baseline && path.exists()))
    }

    /// The baseline that counts, and the day on which it does. One that lies in the repository counts as little as its
    /// configuration.
    pub(in crate::cli) fn in_force(&self, choice: &ConfigChoice, config: &Config) -> Result<Option<(Baseline, Date)>, CliError> {
        if self.no_baseline {
            return Ok(None);
        }
        let Some(book) = Book::find(self.baseline.as_deref(), choice)? else { return Ok(None) };
        let baseline = match book.read()? {
            Some(baseline) => baseline,
            None if self.baseline.is_none() => return Ok(None),
            None => return Err(book.absent()),
        };
        book.check_key(&baseline, fingerprint_key(config.fingerprint_key.as_deref())?.as_ref())?;
        Ok(Some((baseline, today())))
    }
}

/// The file of a baseline.
pub(in crate::cli) struct Book {
    pub(in crate::cli) path: PathBuf,
}

impl Book {
    /// The file that was named, else the one beside the configuration that counts, if one does.
    pub(in crate::cli) fn find(named: Option<&Path>, choice: &ConfigChoice) -> Result<Option<Self>, CliError> {
        let beside = |config: PathBuf| config.with_file_name(FILE);
        let path = match (named, choice) {
            (Some(file), _) => file.to_path_buf(),
            (None, ConfigChoice::Nothing) => return Ok(None),
            (None, ConfigChoice::File(config)) => beside(config.clone()),
            (None, ConfigChoice::Beside(root)) => beside(configuration_file(root)?),
        };
        Ok(Some(Self { path }))
    }

    /// The baseline, if there is one.
    pub(super) fn read(&self) -> Result<Option<Baseline>, CliError> {
        if fs::symlink_metadata(&self.path).is_ok_and(|about| about.len() > form::LARGEST) {
            return Err(FileError::TooLarge { path: self.path.clone(), limit: form::LARGEST }.into());
        }
        let bytes = read(&self.path, &RealDisk)
            .map_err(|error| CliError::from(error).with_hint("put a regular file in its place, or scan with `--no-baseline`"))?;
        bytes.map(|bytes| self.parse(&bytes)).transpose()
    }

    /// The baseline, which must be there.
    pub(super) fn needed(&self) -> Result<Baseline, CliError> {
        self.read()?.ok_or_else(|| self.absent())
    }

    /// Changes the baseline; of two sopups one waits.
    pub(super) fn change<T>(&self, edit: impl FnOnce(&mut Baseline) -> T) -> Result<T, CliError> {
        file::change(&self.path, form::LARGEST, Access::KeptOrShared, |before| {
            let mut baseline = self.parse(before.ok_or_else(|| self.absent())?)?;
            let told = edit(&mut baseline);
            Ok((form::print(&baseline).into_bytes(), told))
        })
    }

    /// Writes a whole baseline, in the place of one that is there.
    pub(super) fn write(&self, baseline: &Baseline) -> Result<(), CliError> {
        file::change(&self.path, form::LARGEST, Access::KeptOrShared, |_| Ok((form::print(baseline).into_bytes(), ())))
    }

    /// Refuses to work without the key that the fingerprints were made with: nothing would be known any more.
    pub(super) fn check_key(&self, baseline: &Baseline, key: Option<&FingerprintKey>) -> Result<(), CliError> {
        let file = self.path.display();
        let hint = format!(
            "set {KEY_VARIABLE} as the others do, or restore `fingerprint_key` in .sopup.yaml; `sopup baseline create --force` begins \
             anew, `sopup scan --no-baseline` scans without"
        );
        match key {
            None => Err(CliError::new(format!("{file} names secrets by keyed fingerprints, and there is no key"), hint)),
            Some(key) if !baseline.is_keyed_with(key) => {
                Err(CliError::new(format!("{file} was made with another key than the one that is set"), hint))
            }
            Some(_) => Ok(()),
        }
    }

    fn absent(&self) -> CliError {
        CliError::new(format!("there is no baseline {}", self.path.display()), "`sopup baseline create` makes one of what a scan finds")
    }

    fn parse(&self, bytes: &[u8]) -> Result<Baseline, CliError> {
        form::parse(bytes).map_err(|error| {
            let place = format!("{}:{}", self.path.display(), error.line);
            CliError::new(format!("{place}: {}", error.message), "correct that line, or restore the file; `--no-baseline` scans without it")
        })
    }
}
