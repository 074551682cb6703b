//! age plugins (`age-plugin-NAME`): the trait by which a caller lends them, and the implementation that runs them.
//!
//! Nothing in `sops` starts a program unless the caller passes [`ProgramPlugins`]: a recipient in a repository's
//! `.sops.yaml` must not decide what is run.

use super::key_service::KeyService;
use age::plugin::{Identity, IdentityPluginV1, Recipient, RecipientPluginV1, ResolveError};

/// Turns plugin recipients and identities into usable ones.
pub trait Plugins: Sync {
    /// A recipient `age1NAME1…`.
    ///
    /// # Errors
    /// [`PluginError`] when the plugin is not allowed, not installed or the text is malformed.
    fn recipient(&self, text: &str) -> Result<Box<dyn age::Recipient>, PluginError>;

    /// An identity `AGE-PLUGIN-NAME-1…`.
    ///
    /// # Errors
    /// [`PluginError`] when the plugin is not allowed, not installed or the text is malformed.
    fn identity(&self, text: &str) -> Result<Box<dyn age::Identity + Send + Sync>, PluginError>;

    /// What encrypts data keys for keys of other kinds, if there is something.
    fn key_service(&self) -> Option<&dyn KeyService> {
        None
    }
}

/// Why a plugin recipient or identity cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    /// The caller does not run plugins.
    #[error("`{plugin}` keys need the program age-plugin-{plugin}, and plugins are not enabled")]
    NotAllowed {
        /// The plugin's name.
        plugin: String,
    },
    /// The program is not on the PATH.
    #[error("age-plugin-{plugin} is not on the PATH; install it to use `{plugin}` keys")]
    Missing {
        /// The plugin's name.
        plugin: String,
    },
    /// The text is not a plugin key.
    #[error("not a valid age plugin key: {reason}")]
    Malformed {
        /// What is wrong.
        reason: &'static str,
    },
}

/// Refuses all plugins.
#[derive(Clone, Copy, Debug)]
pub struct NoPlugins;

/// Runs `age-plugin-NAME` from the PATH, without asking anybody anything.
#[derive(Clone, Copy, Debug)]
pub struct ProgramPlugins;

impl Plugins for NoPlugins {
    fn recipient(&self, text: &str) -> Result<Box<dyn age::Recipient>, PluginError> {
        Err(PluginError::NotAllowed { plugin: parse_recipient(text)?.plugin().to_owned() })
    }

    fn identity(&self, text: &str) -> Result<Box<dyn age::Identity + Send + Sync>, PluginError> {
        Err(PluginError::NotAllowed { plugin: parse_identity(text)?.plugin().to_owned() })
    }
}

impl Plugins for ProgramPlugins {
    fn recipient(&self, text: &str) -> Result<Box<dyn age::Recipient>, PluginError> {
        let recipient = parse_recipient(text)?;
        let name = recipient.plugin().to_owned();
        let plugin = RecipientPluginV1::new(&name, &[recipient], &[], age::NoCallbacks).map_err(from_resolve)?;
        Ok(Box::new(plugin))
    }

    fn identity(&self, text: &str) -> Result<Box<dyn age::Identity + Send + Sync>, PluginError> {
        let identity = parse_identity(text)?;
        let name = identity.plugin().to_owned();
        let plugin = IdentityPluginV1::new(&name, &[identity], age::NoCallbacks).map_err(from_resolve)?;
        Ok(Box::new(plugin))
    }
}

/// The plugin's name in a recipient `age1NAME1…`.
///
/// # Errors
/// [`PluginError::Malformed`].
pub fn recipient_plugin(text: &str) -> Result<String, PluginError> {
    Ok(parse_recipient(text)?.plugin().to_owned())
}

fn parse_recipient(text: &str) -> Result<Recipient, PluginError> {
    text.parse().map_err(|reason| PluginError::Malformed { reason })
}

fn parse_identity(text: &str) -> Result<Identity, PluginError> {
    text.parse().map_err(|reason| PluginError::Malformed { reason })
}

fn from_resolve(error: ResolveError) -> PluginError {
    match error {
        ResolveError::InvalidPluginName { .. } => PluginError::Malformed { reason: "invalid plugin name" },
        ResolveError::MissingPlugin { binary_name } => {
            let plugin = binary_name.strip_prefix("age-plugin-").unwrap_or(&binary_name).to_owned();
            PluginError::Missing { plugin }
        }
        _ => PluginError::Malformed { reason: "the plugin cannot be used" },
    }
}
