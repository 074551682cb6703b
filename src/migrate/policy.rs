//! Who may open a store and what of it is encrypted: by `.sops.yaml`, or by what the user gave.

use crate::sops::creation_rule::{Config, CreationRule};
use crate::sops::foreign::ForeignName;
use crate::sops::mac::{MacScope, Protection};
use crate::sops::ops::Audience;
use crate::sops::recipient::Recipient;
use crate::sops::selector::{Marked, Pattern, Selector};
use crate::sops::store::Style;

/// What of a Kubernetes Secret is encrypted.
pub(super) const SECRET_SELECTOR: &str = "^(data|stringData)$";

/// The rules for new stores.
#[derive(Debug, Default)]
pub struct Policy {
    /// The repository's `.sops.yaml`, if there is one.
    pub config: Option<Config>,
    /// Recipients that the user named; they take the place of a rule's.
    pub recipients: Option<Audience>,
    /// Who encrypts for keys that are not of age.
    pub other_keys: OtherKeys,
    /// Who can open what is only encrypted to see that it works, and never written.
    pub witness: Option<Recipient>,
}

/// Who encrypts new stores for keys that are not of age, where a rule names some.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum OtherKeys {
    /// The user, afterwards.
    #[default]
    User,
    /// sops, before the stores are written.
    Sops,
}

/// How one new store is made.
#[derive(Debug, Clone)]
pub struct Scheme {
    /// Who may open it.
    pub audience: Audience,
    /// Which leaves are encrypted; `None` for sops' default.
    pub selector: Option<Selector>,
    /// What the MAC covers.
    pub mac_scope: MacScope,
    /// How it is indented.
    pub style: Style,
    /// Keys that the rule names and sopup cannot wrap.
    pub foreign: Vec<ForeignName>,
    /// Whether a creation rule is for this path.
    pub covered: bool,
}

/// Nobody is named who could open a store.
#[derive(Debug, thiserror::Error)]
#[error("no recipient is known: there is no .sops.yaml with an age recipient, and none was given")]
pub struct NoRecipients;

impl Policy {
    /// How a store at a path is made. The rule for the path decides; where there is none, the first rule with
    /// recipients lends them.
    ///
    /// # Errors
    /// [`NoRecipients`].
    pub fn scheme(&self, path: &str) -> Result<Scheme, NoRecipients> {
        self.scheme_for(path, None)
    }

    /// The same for what is made now: the witness can open it, too.
    pub(super) fn scheme_to_make(&self, path: &str) -> Result<Scheme, NoRecipients> {
        self.scheme_for(path, self.witness.as_ref())
    }

    fn scheme_for(&self, path: &str, witness: Option<&Recipient>) -> Result<Scheme, NoRecipients> {
        let config = self.config.as_ref();
        let rule = config.and_then(|config| config.rule_for(path).ok().flatten());
        let lender = || config.and_then(|config| config.sound_rules().find(|rule| has_recipients(&rule.audience)));
        let source = rule.filter(|rule| self.recipients.is_some() || has_recipients(&rule.audience)).or_else(lender);
        let named = self.recipients.clone().or_else(|| source.map(|rule| rule.audience.clone()));
        let audience = match (named, witness) {
            (Some(named), None) => named,
            (Some(named), Some(witness)) => named.with(witness),
            (None, Some(witness)) => Audience::of(vec![witness.clone()]),
            (None, None) => return Err(NoRecipients),
        };
        Ok(Scheme {
            audience,
            selector: rule.and_then(|rule| rule.selector.clone()),
            mac_scope: source.map_or(MacScope::AllValues, |rule: &CreationRule| rule.mac_scope),
            style: config.map(|config| config.style).unwrap_or_default(),
            foreign: source.map(|rule| rule.audience.foreign.concat()).unwrap_or_default(),
            covered: rule.is_some() || config.is_none_or(|config| !config.has_rules()),
        })
    }
}

impl Scheme {
    /// The selector for leaves at these paths: the rule's if it covers them all, else one that does.
    pub fn selector_for<'p>(&self, mut paths: impl Iterator<Item = &'p [String]>, otherwise: Option<&str>) -> Selector {
        match &self.selector {
            Some(selector) if paths.all(|path| selector.protection(path, Marked::No) == Protection::Encrypted) => selector.clone(),
            _ => match otherwise.and_then(|regex| Pattern::new(regex).ok()) {
                Some(pattern) => Selector::EncryptedRegex(pattern),
                None => Selector::default(),
            },
        }
    }
}

fn has_recipients(audience: &Audience) -> bool {
    !audience.groups.is_empty() && audience.groups.iter().all(|group| !group.is_empty())
}
