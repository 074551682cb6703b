//! A small repository with a secret in each place that a scan reads, with a linked working tree and a submodule.

use std::path::{Path, PathBuf};

use crate::support::Place;

/// A rule that only `.sopup.yaml` has, so that not reading that file loses a finding.
const RULES: &str = "rules:
  - id: own-token
    name: Own token
    severity: low
    keywords: [own_]
    pattern: 'own_ [a-z0-9]{12}'
    rotate: {steps: [Ask.]}
    examples: []
    negatives: []
";

const SCRIPT: &str = r#"
git init --quiet --initial-branch=main sub
cd sub
echo 'db_password: "Juniper61Cobalt!07"' > in-sub.yaml; git add -A; git commit --quiet -m one
git rm --quiet in-sub.yaml; git commit --quiet -m gone
cd ../repo
git config gc.auto 0
mkdir -p deep/er
echo '*.env' > .gitignore
echo 'DB_PASSWORD=Walrus31Quartz!11' > deep/kept.env
echo 'own_q1w2e3r4t5z6' > deep/own.txt
echo 'db_password: "Timber32Falcon!48"' > packed.yaml
echo nothing > deep/er/a.txt
git add -A -f; git commit --quiet -m one
git rm --quiet packed.yaml; git commit --quiet -m two
git repack -a -d --quiet
echo 'db_password: "Quartz33Bramble!85"' > loose.yaml; git add -A; git commit --quiet -m three
git rm --quiet loose.yaml; git commit --quiet -m four
git tag --annotate --message 'db_password: "Falcon41Walrus!59"' v1
echo 'db_password: "Falcon34Cobalt!22"' > amended.yaml; git add -A; git commit --quiet -m five
git reset --quiet --hard HEAD~1
echo 'db_password: "Bramble35Juniper!59"' > deep/er/a.txt; git stash push --quiet
git -c protocol.file.allow=always submodule --quiet add ../sub sub; git commit --quiet -m sub
git worktree add --quiet --detach ../linked HEAD
echo 'db_password: "Cobalt36Lantern!96"' > ../linked/there.yaml
echo 'db_password: "Juniper37Walrus!33"' > ../linked/staged.yaml; git -C ../linked add staged.yaml; echo nothing > ../linked/staged.yaml
echo 'db_password: "Lantern38Timber!70"' > untracked.yaml
echo 'db_password: "Walrus39Timber!07"' > staged.yaml; git add staged.yaml; echo nothing > staged.yaml
git pack-refs --all; git branch topic
git commit-graph write --reachable
git repack -d --quiet; git multi-pack-index write
echo 'db_password: "Timber42Cobalt!18"' | git hash-object -w --stdin > /dev/null
mkdir -p .git/borrowed/info .git/objects/info
echo 'db_password: "Lantern43Quartz!29"' | GIT_OBJECT_DIRECTORY=$PWD/.git/borrowed git hash-object -w --stdin > /dev/null
echo ../borrowed > .git/objects/info/alternates
"#;

/// The ways to scan it; the first two read its configuration, which takes most of their time.
pub(super) const MODES: [&[&str]; 5] = [
    &["--no-cache", "--submodules"],
    &["--staged"],
    &["--range", "HEAD~4..HEAD", "--no-repo-config"],
    &["--worktree", "--no-repo-config"],
    &["--history", "--no-cache", "--no-repo-config"],
];

/// Builds it, with refs of this sort (`files`, `reftable`). It lies in `repo`, beside what it is linked with.
pub(super) fn build(refs: &str) -> Place {
    let place = Place::new();
    place.write("repo/.sopup.yaml", RULES);
    place.shell(&format!("cd repo; git init --quiet --initial-branch=main --ref-format={refs}"));
    place.shell(SCRIPT);
    place
}

/// A copy of it at the same depth, in a folder of its own. Links to the old place lead to the copy.
pub(super) fn copied(from: &Place) -> Place {
    let place = Place::new();
    let (old, new) = (from.path().display(), place.path().display());
    place.shell(&format!(
        "cp -a {old}/. .; for file in repo/.git/worktrees/*/gitdir linked/.git sub/.git repo/sub/.git repo/.git/modules/sub/config; do \
         test ! -f $file || sed -i 's|{old}|{new}|g' $file; done"
    ));
    place
}

/// The files of the git directory that a scan reads, relative to the folder that holds the repository.
pub(super) fn files(place: &Place) -> Vec<PathBuf> {
    let listed = place.shell(
        "find repo/.git -type f ! -path '*/hooks/*.sample' ! -path '*/info/exclude' ! -name description ! -name '*MSG' \
         ! -path '*/modules/*' | sort",
    );
    listed.lines().map(|line| Path::new(line).to_owned()).collect()
}
