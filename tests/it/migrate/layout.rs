//! Where new SOPS files lie that any file may refer to.

use super::bench::Bench;

const PASSWORDS: [&str; 3] = ["P19wLm2xTr7pKd", "P29wLm2xTr7pKd", "P39wLm2xTr7pKd"];

/// Three documents: of a project with an owner, of a folder with an owner, of nobody.
fn bench() -> Bench {
    let bench = Bench::new();
    let page = |password: &str| format!("# Shop\n\nThe admin password is `{password}`.\n");
    bench
        .place
        .write("web/package.json", "{}\n")
        .write("web/docs/a.md", page(PASSWORDS[0]))
        .write("ops/b.md", page(PASSWORDS[1]))
        .write("c.md", page(PASSWORDS[2]))
        .write(".github/CODEOWNERS", "/web/ @acme/web-team\n/ops/ ops@corp.net\n");
    bench.commit();
    bench
}

#[test]
fn new_stores_lie_where_the_layout_says() {
    for (layout, stores) in [
        ("central", [("secrets/shared.enc.yaml", &PASSWORDS[..]), ("", &[]), ("", &[])]),
        ("near", [("web/secrets/shared.enc.yaml", &PASSWORDS[..1]), ("secrets/shared.enc.yaml", &PASSWORDS[1..]), ("", &[])]),
        (
            "per-team",
            [
                ("secrets/web-team/shared.enc.yaml", &PASSWORDS[..1]),
                ("secrets/ops-corp-net/shared.enc.yaml", &PASSWORDS[1..2]),
                ("secrets/shared.enc.yaml", &PASSWORDS[2..]),
            ],
        ),
    ] {
        let bench = bench();
        let before = bench.tree();
        let run = bench.migrate(["--yes", "--no-history", "--layout", layout]);
        assert_eq!(run.code, 0, "{layout}: {}{}", run.stdout, run.stderr);
        for (store, passwords) in stores.into_iter().filter(|(store, _)| !store.is_empty()) {
            let opened = bench.decrypt(store);
            let there: Vec<&str> = PASSWORDS.into_iter().filter(|password| opened.contains(password)).collect();
            assert_eq!(there, passwords, "{layout}: {store}");
        }
        assert_eq!(bench.findings(), [""; 0], "{layout}");
        assert_eq!(bench.migrate(["--undo"]).code, 0);
        assert!(bench.tree() == before, "{layout}");
    }
}

#[test]
fn folders_that_git_ignores_take_no_stores() {
    let bench = bench();
    bench.place.write(".gitignore", "/web/secrets/\n");
    bench.commit();
    let run = bench.migrate(["--yes", "--no-history", "--layout", "near"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let opened = bench.decrypt("secrets/shared.enc.yaml");
    assert!(PASSWORDS.iter().all(|password| opened.contains(password)), "{}", run.stdout);
}
