//! The real sops, where a creation rule names keys that it alone can encrypt for (KMS, PGP, Vault, …). It is given a data key
//! and no value; see [`crate::sops::key_service`].

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::child::Shelter;
use crate::cli::error::CliError;
use crate::cli::ui::Ui;
use crate::report::safe;
use crate::sops::creation_rule::CreationRule;
use crate::sops::foreign::ForeignName;
use crate::sops::key_service::{Errand, KeyService};
use crate::sops::plugin::{PluginError, Plugins, ProgramPlugins};

/// Tells a sopup that is called `sops` that a sopup has called it.
const CALLED: &str = "SOPUP_CALLS_SOPS";

/// Variables that sops, gpg and the libraries of key services need.
const VARIABLES: [&str; 32] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "TERM",
    "TMPDIR",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
    "GNUPGHOME",
    "GPG_TTY",
    "GPG_AGENT_INFO",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SOPS_GPG_EXEC",
    "SOPS_KEYSERVICE",
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "MSI_ENDPOINT",
    "MSI_SECRET",
    "SYSTEMROOT",
    "USERPROFILE",
    "APPDATA",
    "LOCALAPPDATA",
    "PATHEXT",
];

/// How the variables of key services begin.
const PREFIXES: [&str; 8] = ["AWS_", "AZURE_", "GOOGLE_", "CLOUDSDK_", "VAULT_", "HUAWEICLOUD_", "HUAWEI_", "LC_"];

/// Which sops encrypts for keys that are not of age.
#[derive(Debug, Default, clap::Args)]
pub(in crate::cli) struct SopsArg {
    /// The sops that encrypts for keys which are not of age, where a creation rule names some [default: the one on PATH]
    #[arg(long, value_name = "PROGRAM")]
    sops: Option<PathBuf>,
}

/// age plugins, and sops for other keys.
pub(in crate::cli) struct KeyPrograms<'a> {
    sops: Option<PathBuf>,
    ui: &'a Ui,
}

impl SopsArg {
    /// The programs that may be used.
    pub(in crate::cli) fn programs<'a>(&self, ui: &'a Ui) -> Result<KeyPrograms<'a>, CliError> {
        let sops = match &self.sops {
            Some(path) if !path.is_file() => {
                return Err(CliError::new(format!("there is no {}", path.display()), "name the program sops with `--sops`"));
            }
            // It is run in another folder.
            Some(path) => Some(std::path::absolute(path)?),
            None => on_path(),
        };
        Ok(KeyPrograms { sops: sops.filter(|_| std::env::var_os(CALLED).is_none()), ui })
    }
}

/// The first sops on PATH that is not sopup under another name.
fn on_path() -> Option<PathBuf> {
    let own = std::env::current_exe().and_then(fs::canonicalize).ok();
    let name = if cfg!(windows) { "sops.exe" } else { "sops" };
    let folders = std::env::split_paths(&std::env::var_os("PATH")?).collect::<Vec<_>>();
    let mut found = folders.into_iter().filter(|folder| folder.is_absolute()).map(|folder| folder.join(name)).filter(|path| path.is_file());
    found.find(|path| fs::canonicalize(path).ok() != own)
}

impl KeyPrograms<'_> {
    /// Where notes go.
    pub(super) fn ui(&self) -> &Ui {
        self.ui
    }

    /// Leaving out keys of other kinds would lock their owners out: they are encrypted for, or the file is not.
    ///
    /// # Errors
    /// If the rule names such keys and there is no sops.
    pub(super) fn check(&self, rule: &CreationRule) -> Result<(), CliError> {
        let names: Vec<String> = rule.audience.foreign.iter().flatten().map(ForeignName::to_string).collect();
        if names.is_empty() || self.sops.is_some() {
            return Ok(());
        }
        Err(CliError::new(
            format!("the creation rule of this file names keys that sopup cannot encrypt for by itself: {}", names.join(", ")),
            "install sops 3.8 or newer, or name it with `--sops PROGRAM`: sopup lets it encrypt the data key for them; or encrypt for age alone with `--age`, and let `sops updatekeys FILE` add the other keys later",
        ))
    }
}

impl Plugins for KeyPrograms<'_> {
    fn recipient(&self, text: &str) -> Result<Box<dyn age::Recipient>, PluginError> {
        ProgramPlugins.recipient(text)
    }

    fn identity(&self, text: &str) -> Result<Box<dyn age::Identity + Send + Sync>, PluginError> {
        ProgramPlugins.identity(text)
    }

    fn key_service(&self) -> Option<&dyn KeyService> {
        self.sops.as_ref().map(|_| self as &dyn KeyService)
    }
}

impl KeyService for KeyPrograms<'_> {
    fn update_keys(&self, errand: &Errand) -> Result<Vec<u8>, String> {
        let sops = self.sops.as_deref().ok_or("there is no sops")?;
        run(sops, errand, self.ui).map_err(|error| error.to_string())
    }
}

fn run(sops: &Path, errand: &Errand, ui: &Ui) -> Result<Vec<u8>, CliError> {
    let shelter = Shelter::new(ui)?;
    shelter.write(".sops.yaml", &errand.config)?;
    let file = shelter.write("keys.yaml", &errand.file)?;
    let identity = shelter.write("identity.txt", errand.identity.as_bytes())?;
    let said = shelter.write("said.txt", b"")?;
    let mut command = Command::new(sops);
    command.args(["updatekeys", "--yes", "keys.yaml"]).current_dir(shelter.path()?).env_clear();
    for (name, value) in std::env::vars_os() {
        let known = name.to_str().is_some_and(|name| VARIABLES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix)));
        if known {
            command.env(name, value);
        }
    }
    command.env("SOPS_AGE_KEY_FILE", &identity).env(CALLED, "1").stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&said)?);
    let status = shelter.run(&mut command);
    let status =
        status.map_err(|error| CliError::new(format!("cannot start {}: {error}", sops.display()), "name another with `--sops`"))?;
    if !status.success() {
        let said = String::from_utf8_lossy(&fs::read(&said)?).lines().map(safe::line).collect::<Vec<_>>().join("\n");
        return Err(CliError::new(format!("{} ends with {status}: {said}", sops.display()), "see what it says"));
    }
    Ok(fs::read(file)?)
}
