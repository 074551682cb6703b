//! The story with a person who is none: what is heard in which order, and that nothing is written without a yes.

use std::fs;

use age::secrecy::ExposeSecret as _;

use super::*;
use crate::finding::{Allowlist, InlineAllow, Severities};
use crate::migrate::change::Change;
use crate::migrate::policy::Policy;
use crate::migrate::rendering::Renderer;
use crate::migrate::wish::Wishes;
use crate::rule::{Confidence, RuleSet};
use crate::scan::LazyKey;
use crate::sops::creation_rule::recipient_list;
use crate::sops::keyring::Keyring;
use crate::sops::ops::Audience;
use crate::sops::plugin::NoPlugins;
use crate::sops::timestamp::Timestamp;
use crate::source::Respect;

const TEXT: &str = "DB_PASSWORD=tr7-Kessel-9vQ\n";

/// Says the same to every plan, and remembers what it heard.
struct Stub {
    agrees: bool,
    heard: Vec<&'static str>,
}

impl Person for Stub {
    type Error = String;

    fn wait(&mut self, _: &Progress, work: &mut dyn FnMut()) {
        self.heard.push("wait");
        work();
    }

    fn hear(&mut self, news: News<'_>) -> Result<(), String> {
        self.heard.push(match news {
            News::Scanned(found) if found.findings.len() == 1 => "scanned",
            News::Scanned(_) => "not one finding",
            News::Plan(_) => "plan",
            News::KeyMade => "key",
            News::Changes { .. } => "changes",
            News::Doubtful(_) => "doubtful",
            News::Applied(_) => "applied",
        });
        Ok(())
    }

    fn decide(&mut self, drafts: &Drafts<'_>) -> Result<Plan, String> {
        self.heard.push("decide");
        Ok(drafts.draft(&Wishes::default()))
    }

    fn agree(&mut self, _: &mut Plan, _: &Drafts<'_>) -> Result<bool, String> {
        self.heard.push("agree");
        Ok(self.agrees)
    }
}

/// Helpers that are not there; a ledger that cannot be written.
struct NoHelpers {
    refuses: bool,
}

impl Helpers<String> for NoHelpers {
    fn renderer(&self) -> Result<Box<dyn Renderer + '_>, String> {
        Err("there is none".to_owned())
    }

    fn accompany(&self, _: &Plan, _: &scan::Outcome, _: &mut Vec<Change>) -> Result<(), String> {
        if self.refuses { Err("the ledger is locked".to_owned()) } else { Ok(()) }
    }

    fn seal(&self, _: &mut [Change]) -> Result<(), String> {
        Ok(())
    }
}

struct Ran {
    heard: Vec<&'static str>,
    /// How it ended, or why it did not.
    end: Result<&'static str, String>,
    is_moved: bool,
}

fn ran(extent: Extent, consent: Consent, agrees: bool, helpers: &NoHelpers) -> Ran {
    let folder = tempfile::tempdir().expect("a folder");
    let git = git2::Repository::init(folder.path()).expect("a repository");
    let file = folder.path().join("deploy.env");
    fs::write(&file, TEXT).expect("written");
    let mut index = git.index().expect("an index");
    index.add_path("deploy.env".as_ref()).expect("added");
    let tree = git.find_tree(index.write_tree().expect("a tree")).expect("found");
    index.write().expect("written");
    let author = git2::Signature::now("A", "a@example.com").expect("fits");
    git.commit(Some("HEAD"), &author, &author, "all", &tree, &[]).expect("committed");

    let identity = age::x25519::Identity::generate();
    let mut keyring = Keyring::new();
    keyring.add_text(identity.to_string().expose_secret().as_bytes(), "test", &NoPlugins).expect("an identity");
    let recipients = recipient_list(&identity.to_public().to_string()).expect("a recipient");
    let policy = Policy { recipients: Some(Audience::of(recipients)), ..Policy::default() };
    let now = Timestamp::parse_rfc3339("2026-11-28T12:00:00Z").expect("a time");
    let repo = Repo::open(folder.path()).expect("a repository");
    let request = Request {
        repo: &repo,
        scan: scan::Request {
            scope: Scope::worktree(folder.path().to_path_buf(), Respect::Yes, 1),
            rules: RuleSet::builtin(),
            allow: Allowlist::default(),
            severities: Severities::default(),
            baseline: None,
            below: String::new(),
            top: Some(repo.top.clone()),
            inline: InlineAllow::Honoured,
            min_confidence: Confidence::Medium,
            key: LazyKey::new(Box::new(|| FingerprintKey::new(b"a key for this test".to_vec()).expect("long enough"))),
            unread: Vec::new(),
            examine: None,
        },
        history: None,
        tools: Tools { policy: &policy, keyring: &keyring, plugins: &NoPlugins, now: &now },
        kubernetes: KubernetesStyle::Auto,
        layout: Layout::Central,
        upto: Applicability::NeedsReview,
        extent,
        consent,
        renders: true,
        commits: false,
        new_key: None,
        helpers,
    };
    let mut person = Stub { agrees, heard: Vec::new() };
    let end = run(request, &mut person).map_err(|error| error.to_string());
    let end = end.map(|outcome| match outcome.end {
        End::Planned(_) => "planned",
        End::Nothing => "nothing",
        End::Declined => "declined",
        End::Rehearsed => "rehearsed",
        End::Applied(_) => "applied",
    });
    Ran { heard: person.heard, end, is_moved: fs::read_to_string(file).ok().as_deref() != Some(TEXT) }
}

#[test]
fn whoever_is_asked_decides() {
    let helpers = NoHelpers { refuses: false };
    let no = ran(Extent::Whole, Consent::Asked, false, &helpers);
    assert_eq!((no.end, no.is_moved), (Ok("declined"), false));
    assert_eq!(no.heard, ["wait", "scanned", "decide", "plan", "agree"]);
    let yes = ran(Extent::Whole, Consent::Asked, true, &helpers);
    assert_eq!((yes.end, yes.is_moved), (Ok("applied"), true));
    assert_eq!(yes.heard, ["wait", "scanned", "decide", "plan", "agree", "applied", "wait"]);
    let given = ran(Extent::Whole, Consent::Given, false, &helpers);
    assert_eq!((given.end, given.is_moved), (Ok("applied"), true));
    assert!(!given.heard.contains(&"agree"), "{:?}", given.heard);
}

#[test]
fn a_plan_and_a_rehearsal_write_nothing() {
    let helpers = NoHelpers { refuses: false };
    let planned = ran(Extent::Plan, Consent::Given, false, &helpers);
    assert_eq!((planned.end, planned.is_moved), (Ok("planned"), false));
    assert_eq!(planned.heard, ["wait", "scanned", "decide"]);
    let rehearsed = ran(Extent::Rehearsal, Consent::Given, false, &helpers);
    assert_eq!((rehearsed.end, rehearsed.is_moved), (Ok("rehearsed"), false));
    assert_eq!(rehearsed.heard, ["wait", "scanned", "decide", "changes", "plan"]);
}

#[test]
fn a_helper_that_fails_stops_it_before_anything_is_written() {
    let stopped = ran(Extent::Whole, Consent::Given, true, &NoHelpers { refuses: true });
    assert_eq!((stopped.end, stopped.is_moved), (Err("the ledger is locked".to_owned()), false));
}
