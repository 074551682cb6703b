//! What is said and done after a migration: what to replace, what history holds, a commit, and several migrations
//! taken back in order.

use super::bench::Bench;

const PASSWORD: &str = "Orchid.Meadow.Tundra.898";
const OTHER: &str = "gR4nite-Falcon-27";

fn bench() -> Bench {
    let bench = Bench::new();
    bench.place.write("b.sh", format!("#!/bin/sh\nPGPASSWORD={PASSWORD} psql\n"));
    bench.commit();
    bench
}

#[test]
fn what_history_holds_is_named() {
    let bench = bench();
    let first = bench.place.git(["rev-parse", "--short=12", "HEAD"]);
    bench.place.write("docs/a.md", format!("The password is `{OTHER}`.\n"));
    let run = bench.migrate(["--yes"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains(&format!("b.sh:2 (generic-password), in history since {}", first.trim())), "{}", run.stdout);
    assert!(run.stdout.contains("docs/a.md:1 (generic-password)\n"), "{}", run.stdout);
    assert!(run.stdout.contains("History still holds 1 of 2."), "{}", run.stdout);
    assert_eq!(bench.migrate(["--undo"]).code, 0);
    let run = bench.migrate(["--yes", "--no-history"]);
    assert!(!run.stdout.contains("istory"), "{}", run.stdout);
}

#[test]
fn a_commit_holds_the_migration_and_nothing_else() {
    let bench = bench();
    bench.place.write("unrelated", "not to be committed\n");
    let run = bench.migrate(["--yes", "--commit"]);
    assert_eq!(run.code, 4, "{}", run.stdout);
    assert!(run.stderr.contains("git does not know who you are"), "{}", run.stderr);
    bench.place.git(["config", "user.name", "A"]);
    bench.place.git(["config", "user.email", "a@example.org"]);
    let run = bench.migrate(["--yes", "--commit"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let id = bench.place.git(["rev-parse", "--short=12", "HEAD"]);
    assert!(run.stdout.contains(&format!("Committed as {}.", id.trim())), "{}", run.stdout);
    assert_eq!(bench.place.git(["status", "--porcelain"]), "?? unrelated\n");
    assert_eq!(
        bench.place.git(["show", "--format=%s", "--name-only"]),
        "Move secrets into SOPS files\n\n.gitattributes\nb.sh\nb.sops.env\n"
    );
    assert_eq!(bench.migrate(["--undo"]).code, 0);
    assert!(String::from_utf8_lossy(&bench.tree()["b.sh"].0).contains(PASSWORD));
}

#[test]
fn a_commit_that_would_take_more_along_is_refused() {
    let refused = |bench: &Bench, message: &str| {
        let before = bench.tree();
        let run = bench.migrate(["--yes", "--commit"]);
        assert_eq!(run.code, 4, "{}", run.stdout);
        assert!(run.stderr.contains(message), "{}", run.stderr);
        assert!(bench.tree() == before);
    };
    let bench = bench();
    bench.place.write("staged", "x\n").git(["add", "staged"]);
    refused(&bench, "something is staged already");
    bench.place.git(["reset", "--quiet"]);
    bench.place.write(".gitattributes", "*.sh filter=secret\n").commit("a filter");
    refused(&bench, "b.sh passes a filter");
}

#[test]
fn migrations_are_taken_back_from_the_last_one() {
    let bench = bench();
    bench.place.write("docs/a.md", format!("The password is `{OTHER}`.\n")).commit("more");
    let before = bench.tree();
    // Both have the same second more often than not; ids are random.
    for _ in 0..4 {
        assert_eq!(bench.migrate(["--yes", "--no-history", "--only", "b.sh"]).code, 1);
        let between = bench.tree();
        bench.place.git(["add", "--all"]);
        assert_eq!(bench.migrate(["--yes", "--no-history"]).code, 0);
        assert_eq!(bench.migrate(["--undo"]).code, 0);
        assert!(bench.tree() == between);
        assert_eq!(bench.migrate(["--undo"]).code, 0);
        assert!(bench.tree() == before);
        bench.place.git(["reset", "--quiet"]);
    }
    assert_eq!(bench.migrate(["--undo"]).code, 4, "there is nothing left to put back");
}

#[test]
fn a_value_that_another_one_begins_with_may_stay_where_nothing_says_that_it_is_a_secret() {
    let bench = Bench::new();
    let (short, long) = ("Walrus88!", "Walrus88!Timber");
    bench.place.write("a.sh", format!("#!/bin/sh\nPGPASSWORD='{short}' psql\n"));
    bench.place.write("b.sh", format!("#!/bin/sh\nuser='{short}'\nPGPASSWORD='{long}' psql -U \"$user\"\n"));
    bench.commit();
    let run = bench.migrate(["--yes"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("b.sh: a value that is moved also stands where nothing says that it is a secret\n"), "{}", run.stderr);
    assert_eq!(bench.findings(), [""; 0]);
}

#[test]
fn what_was_done_for_a_named_recipient_is_taken_back_without_naming_it() {
    let bench = bench();
    std::fs::remove_file(bench.place.join(".sops.yaml")).expect("removed");
    bench.commit();
    let before = bench.tree();
    let run = bench.migrate(["--yes"]);
    assert!(run.code == 4 && run.stderr.contains("no recipient is known"), "{}", run.stderr);
    let recipient = bench.recipient.clone();
    let run = bench.migrate(["--yes", "--age", &recipient]);
    assert!(run.code == 0 && bench.tree() != before, "{}{}", run.stdout, run.stderr);
    let run = bench.migrate(["--undo"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(bench.tree() == before, "every byte is back");
}

#[test]
fn what_needs_review_can_follow_without_a_commit() {
    let bench = Bench::new();
    bench.place.write("all.md", format!("The password is `{PASSWORD}`.\n")).write("app.ini", format!("[db]\npassword = {OTHER}\n"));
    bench.commit();
    let before = bench.tree();
    assert_eq!(bench.migrate(["--yes", "--no-history"]).code, 1);
    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert_eq!(bench.findings(), [""; 0]);
    // What somebody else did to a file since still stands in the way.
    bench.place.write("b.md", format!("The password is `{PASSWORD}`.\n"));
    let mut store = std::fs::read_to_string(bench.place.join("secrets/shared.enc.yaml")).expect("a store");
    store.push('\n');
    bench.place.write("secrets/shared.enc.yaml", &store);
    bench.place.git(["add", "secrets"]);
    let run = bench.migrate(["--yes", "--no-history"]);
    assert_ne!(run.code, 0, "{}{}", run.stdout, run.stderr);
    store.pop();
    bench.place.write("secrets/shared.enc.yaml", store);
    bench.place.git(["reset", "-q"]);
    std::fs::remove_file(bench.place.join("b.md")).expect("is removed");
    assert_eq!(bench.migrate(["--undo"]).code, 0);
    assert_eq!(bench.migrate(["--undo"]).code, 0);
    assert!(bench.tree() == before);
}

/// Doubts are for those who decide; afterwards only what holds is said, and of which files.
#[test]
fn what_holds_from_now_on_is_said_without_doubts() {
    let bench = bench();
    bench.place.write("tests/run.sh", "#!/bin/sh\nPGPASSWORD='Zq9wLm2xTr7pKd' psql\n");
    bench.commit();
    let run = bench.migrate(["--dry-run", "tests"]);
    assert!(run.stdout.contains("if the value is invented, it is a false alarm. Else: "), "{}", run.stdout);
    assert!(run.stdout.contains("Next: `sopup migrate --dry-run --include-review` shows what needs review"), "{}", run.stdout);
    let run = bench.migrate(["--dry-run", "--include-review", "tests"]);
    assert!(!run.stdout.contains("Next: "), "{}", run.stdout);
    let run = bench.migrate(["--yes", "--include-review", "tests"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let later = run.stdout.split("From now on:\n").nth(1).expect("a part");
    assert!(
        later.starts_with("  tests/run.sh: run with `") && !run.stdout.split("Moved ").nth(1).expect("a summary").contains("false alarm"),
        "{}",
        run.stdout
    );
}

#[test]
fn single_files_go_back_and_stores_stay() {
    let bench = Bench::new();
    let (a, b) = (format!("The password is `{PASSWORD}`.\n"), format!("The password is `{OTHER}`.\n"));
    bench.place.write("docs/a.md", &a).write("b.md", &b);
    bench.commit();
    assert_eq!(bench.migrate(["--yes", "--no-history"]).code, 0);
    let run = bench.migrate(["--undo", "--only", "nowhere"]);
    assert!(run.code == 4 && run.stderr.contains("--only names no file of the migration"), "{}", run.stderr);
    let run = bench.migrate(["--undo", "--only", "secrets"]);
    assert!(run.code == 4 && run.stderr.contains("may refer to secrets/shared.enc.yaml"), "{}", run.stderr);
    let run = bench.migrate(["--undo", "--only", "docs"]);
    assert!(run.code == 0 && run.stderr.contains("1 file of the migration"), "{}", run.stderr);
    let text = |path: &str| std::fs::read_to_string(bench.place.join(path)).expect("a file");
    assert_eq!(text("docs/a.md"), a);
    assert_ne!(text("b.md"), b);
    assert!(bench.decrypt("secrets/shared.enc.yaml").contains(PASSWORD));
    assert_eq!(bench.migrate(["--undo"]).code, 0);
    assert_eq!(text("b.md"), b);
    assert!(!bench.place.join("secrets").exists());
}

#[test]
fn a_summary_is_for_pull_requests_and_programs() {
    let bench = Bench::new();
    bench
        .place
        .write("docs/a.md", format!("The password is `{PASSWORD}`.\n"))
        .write("app.ini", format!("[db]\npassword = {OTHER}\n"))
        .write("compose.yaml", format!("services:\n  db:\n    image: x\n    environment:\n      DB_PASSWORD: {PASSWORD}\n"))
        .write("z/compose.yaml", format!("services:\n  db:\n    image: x\n    environment:\n      DB_PASSWORD: {PASSWORD}\n"))
        .write("CODEOWNERS", "docs/ @docs-team\n/app.ini @app\n");
    bench.commit();
    let args = ["--summary", "markdown=.git/s.md", "--summary", "json=.git/s.json"];
    let run = bench.migrate([&["--dry-run"], &args[..]].concat());
    assert_eq!(run.code, 1, "{}", run.stderr);
    let read = |path: &str| std::fs::read_to_string(bench.place.join(path)).expect("a summary");
    assert!(read(".git/s.md").starts_with("## What a migration would move into SOPS files\n"), "{}", read(".git/s.md"));
    let run = bench.migrate([&["--yes", "--no-history"], &args[..]].concat());
    assert!(
        run.stdout.contains("Entries with one value, which change together:\n  compose.sops.env DB_PASSWORD, z/compose.sops.env"),
        "{}",
        run.stdout
    );
    let markdown = read(".git/s.md");
    for part in [
        "## Secrets moved into SOPS files\n\n**1 secret to replace**; 3 places moved, 1 to review, 0 to do by hand.\n",
        "\n### Moved\n\n| place | secret | now in |\n",
        "\n### To review\n\n",
        "| app.ini:2 | gR4",
        "\n- compose.sops.env DB\\_PASSWORD, z/compose.sops.env DB\\_PASSWORD\n",
        "\n- [ ] Orch",
    ] {
        assert!(markdown.contains(part), "{part} in {markdown}");
    }
    let json: serde_json::Value = serde_json::from_str(&read(".git/s.json")).expect("JSON");
    assert_eq!(json["schema"], "sopup.migration/v1");
    assert_eq!(json["to_review"][0]["owners"][0], "@app");
    assert_eq!(json["moved"].as_array().map(Vec::len), Some(3));
    for text in [markdown, json.to_string()] {
        assert!(!text.contains(PASSWORD) && !text.contains(OTHER), "{text}");
    }
    let run = bench.migrate(["--dry-run", "--summary", "html=x"]);
    assert!(run.code == 2 && run.stderr.contains("the formats are markdown and json"), "{}", run.stderr);
}

#[test]
fn a_word_that_is_a_secret_elsewhere_is_no_mask_within_a_name() {
    let bench = Bench::new();
    bench.place.write("app.env", "DB_PASSWORD=secret\nSESSION=x\n");
    bench
        .place
        .write("config.exs", "config :shop, secret_key_base: \"Kz7vmP1gPYvsogke6P3RP9uipMjOLhneQdbokZVx5gpLsNaN44TD20vtOWkMFIT1\"\n");
    bench.commit();
    let shown = bench.migrate(["--dry-run", "--include-review"]).stdout;
    assert!(shown.contains("-config :shop, secret_key_base: \"Kz7v********\""), "{shown}");
    assert!(shown.contains("-DB_PASSWORD=s********"), "{shown}");
}
