//! What `safe` means: with the reference and nothing else done, what reads it works as before or stops with a message.

use std::process::Command;

use super::bench::Bench;
use crate::sops::bench::sops_binary;

fn read(bench: &Bench, path: &str) -> String {
    std::fs::read_to_string(bench.place.join(path)).expect("a file")
}

#[test]
fn a_value_that_is_a_word_stops_no_migration() {
    let bench = Bench::new();
    let workflow = "on: push\njobs:\n  test:\n    services:\n      db:\n        image: postgres:16\n        env:\n          \
                    POSTGRES_PASSWORD: postgres\n    env:\n      SONAR_TOKEN: b56b58d91f07efdb46f9347da779b4e6b1336800\n";
    bench.place.write(".github/workflows/ci.yml", workflow);
    bench.commit();
    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let opened = bench.decrypt("secrets/shared.enc.yaml");
    assert!(opened.contains("postgres_password: postgres"), "{opened}");
}

#[test]
fn places_lead_to_a_store_of_their_own_project() {
    let bench = Bench::new();
    for team in ["a-team", "z-team"] {
        let compose = "services:\n  db:\n    image: x\n    environment:\n      POSTGRES_PASSWORD: Same9wLm2xTr7pK\n";
        bench.place.write(&format!("{team}/compose.yaml"), compose).write(&format!("{team}/README.md"), "Password: `Same9wLm2xTr7pK`\n");
    }
    bench.place.write("m-team/compose.yaml", "services: {}\n").write("m-team/README.md", "Password: `Same9wLm2xTr7pK`\n");
    bench.commit();
    assert_eq!(bench.migrate(["--yes", "--no-history"]).code, 0);
    for (team, store) in
        [("a-team", "a-team/compose.sops.env"), ("z-team", "z-team/compose.sops.env"), ("m-team", "secrets/shared.enc.yaml")]
    {
        let text = read(&bench, &format!("{team}/README.md"));
        assert!(text.contains(store), "{text}");
    }
}

#[test]
fn one_value_of_a_project_is_one_entry() {
    let bench = Bench::new();
    let compose = "services:\n  db:\n    image: x\n    environment:\n      POSTGRES_PASSWORD: Same9wLm2xTr7pK\n  app:\n    image: y\n    \
                   environment:\n      DB_PASSWORD: Same9wLm2xTr7pK\n      ADMIN_PASSWORD: admin\n      ROOT_PASSWORD: admin\n";
    bench.place.write("compose.yaml", compose);
    bench.commit();
    assert_eq!(bench.migrate(["--yes", "--include-review", "--no-history"]).code, 0);
    // What many things have by chance stays apart.
    assert_eq!(bench.decrypt("compose.sops.env"), "POSTGRES_PASSWORD=Same9wLm2xTr7pK\nADMIN_PASSWORD=admin\nROOT_PASSWORD=admin\n");
    assert_eq!(read(&bench, "compose.yaml").matches("${POSTGRES_PASSWORD:?").count(), 2);
}

#[test]
fn what_would_go_on_with_another_value_is_reviewed() {
    let bench = Bench::new();
    bench
        .place
        .write("compose.yaml", "services:\n  db:\n    image: postgres\n    env_file:\n      - path: db.env\n")
        .write("db.env", "A=b\nPOSTGRES_PASSWORD=Real9wLm2xTr7pK\n")
        .write("main.tf", "variable \"db_password\" {\n  type = string\n  default = \"\"\n}\nvariable \"api_password\" {}\n")
        .write("terraform.tfvars", "db_password = \"Tv19wLm2xTr7pKd\"\napi_password = \"Tv29wLm2xTr7pKd\"\n")
        .write("helm/values-prod.yaml", "auth:\n  password: Hp19wLm2xTr7pKd\n")
        .write("flux/values-dev.yaml", "auth:\n  password: Hp29wLm2xTr7pKd\n")
        .write("flux/app.yaml", "valueFiles: [secrets-dev.yaml]\n");
    bench.commit();
    let plan = bench.migrate(["--dry-run"]).stdout;
    for line in [
        "- needs-review db.env:2",
        "- needs-review terraform.tfvars:1",
        "+ safe terraform.tfvars:2",
        "- needs-review helm/values-prod.yaml:2",
        "+ safe flux/values-dev.yaml:2",
    ] {
        assert!(plan.contains(line), "{line} in {plan}");
    }
    assert!(plan.contains("`sops exec-env db.sops.env 'docker compose -f compose.yaml up'`"), "{plan}");
    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let text = read(&bench, "db.env");
    assert!(text.ends_with("\nA=b\nPOSTGRES_PASSWORD\n"), "{text}");
}

#[test]
fn a_value_for_one_command_reaches_no_other() {
    let bench = Bench::new();
    let script = "#!/bin/sh\nset -eu\necho \"before ${PGPASSWORD-none}\"\nPGPASSWORD=Zq9wLm2xTr7pKd sh -c 'echo \"inside $PGPASSWORD\"'\n";
    bench.place.write("run.sh", script);
    bench.place.git(["update-index", "--add", "--chmod=+x", "run.sh"]);
    std::fs::set_permissions(bench.place.join("run.sh"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("is made executable");
    bench.commit();
    let run = bench.migrate(["--yes", "--no-history"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let run = bench.run(Command::new(sops_binary()).args(["exec-env", "run.sops.env", "./run.sh"]));
    assert_eq!((run.code, run.stdout.as_str()), (0, "before none\ninside Zq9wLm2xTr7pKd\n"), "{}", run.stderr);
    let alone = bench.run(&mut Command::new("./run.sh"));
    assert!(alone.code != 0 && alone.stderr.contains("set by sops exec-env run.sops.env"), "{}", alone.stderr);
}
