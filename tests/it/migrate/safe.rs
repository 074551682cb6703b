//! What `safe` means: with the reference and nothing else done, what reads it works as before or stops with a message.

use std::process::Command;

use super::bench::Bench;
use crate::sops::bench::sops_binary;
use crate::support::{binaries, path_with};

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
        .write("db.env", "A=b\nPOSTGRES_PASSWORD=Real9wLm2xTr7pK\nAPI_PASSWORD = 'Rq9wLm2xTr7pKd'\n")
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
    assert!(plan.contains("`sops exec-env compose.sops.env 'docker compose up'`"), "{plan}");
    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let text = read(&bench, "db.env");
    assert!(text.ends_with("\nA=b\nPOSTGRES_PASSWORD\nAPI_PASSWORD\n"), "{text}");
}

/// A chart tells by its templates what an empty value does.
#[test]
fn a_value_of_a_chart_is_safe_where_the_chart_stops_without_it() {
    let chart = |bench: &Bench, name: &str, template: &str| {
        let at = |file: &str| format!("{name}/{file}");
        bench
            .place
            .write(&at("Chart.yaml"), "apiVersion: v2\nname: app\nversion: 0.1.0\n")
            .write(&at("values-prod.yaml"), "auth: {user: app, password: Hp19wLm2xTr7pKd}\n")
            .write(&at("templates/secret.yaml"), template);
    };
    let bench = Bench::new();
    let used = "stringData:\n  password: {{ .Values.auth.password | quote }}\n";
    chart(&bench, "required", "stringData:\n  password: {{ required \"auth.password\" .Values.auth.password | quote }}\n");
    chart(&bench, "unused", "stringData:\n  user: {{ .Values.auth.user | quote }}\n");
    chart(&bench, "used", used);
    chart(&bench, "parent", "data: {{ .Values.auth | toYaml }}\n");
    chart(&bench, "helper", "{{ include \"password\" . }}\n");
    bench.place.write("helper/templates/_helpers.tpl", "{{ define \"password\" }}{{ .Values.auth.password }}{{ end }}\n");
    chart(&bench, "others", "stringData: {}\n");
    bench
        .place
        .write("others/Chart.yaml", "apiVersion: v2\nname: app\nversion: 0.1.0\ndependencies:\n  - name: auth\n    version: 1.0.0\n");
    bench.commit();
    let plan = bench.migrate(["--dry-run"]).stdout;
    for (verdict, names) in [("+ safe", &["required", "unused"][..]), ("- needs-review", &["used", "parent", "helper", "others"])] {
        for name in names {
            assert!(plan.contains(&format!("{verdict} {name}/values-prod.yaml:1")), "{name} is {verdict}: {plan}");
        }
    }
    let run = bench.migrate(["--yes", "--no-history"]);
    assert_eq!(run.code, 1, "something is left: {}", run.stderr);
    assert!(run.stdout.contains("the chart requires it: install with `helm secrets"), "{}", run.stdout);
    assert_eq!(read(&bench, "required/values-prod.yaml"), "auth: {user: app, password: \"\"}\n");
    assert_eq!(bench.decrypt("required/secrets-prod.yaml"), "auth:\n    password: Hp19wLm2xTr7pKd\n");
}

#[test]
fn a_value_for_one_command_reaches_no_other() {
    let bench = Bench::new();
    let script = "#!/bin/sh\nset -eu\necho \"before ${PGPASSWORD-none}\"\nPGPASSWORD=Zq9wLm2xTr7pKd sh -c 'echo \"inside $PGPASSWORD\"'\n";
    bench.place.write("run.sh", script);
    executable(&bench, "run.sh");
    bench.commit();
    let run = bench.migrate(["--yes", "--no-history"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let run = bench.run(Command::new(sops_binary()).args(["exec-env", "run.sops.env", "./run.sh"]));
    assert_eq!((run.code, run.stdout.as_str()), (0, "before none\ninside Zq9wLm2xTr7pKd\n"), "{}", run.stderr);
    let alone = bench.run(&mut Command::new("./run.sh"));
    assert!(alone.code != 0 && alone.stderr.contains("set by sops exec-env run.sops.env"), "{}", alone.stderr);
}

fn executable(bench: &Bench, path: &str) {
    std::fs::set_permissions(bench.place.join(path), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("is made executable");
}

/// A command line as a migration prints it, run by a shell that finds sopup and sops.
fn as_printed(bench: &Bench, line: &str) -> crate::support::Run {
    let sops = sops_binary().parent().expect("a folder").to_path_buf();
    bench.run(Command::new("sh").args(["-c", line]).env("PATH", path_with([binaries(), sops])))
}

#[test]
fn a_script_that_needs_two_stores_runs_with_one_command() {
    let bench = Bench::new();
    let script = "#!/bin/sh\nset -eu\nexport DB_PASSWORD=Zq9wLm2xTr7pKd\nACCOUNT_ID=249169352986 # aws account id\necho \"$DB_PASSWORD $ACCOUNT_ID $*\"\n";
    bench.place.write("my scripts/run.sh", script);
    executable(&bench, "my scripts/run.sh");
    bench.commit();
    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let printed = run.stdout.lines().find_map(|line| line.strip_prefix("  my scripts/run.sh: run with `")).expect("a command");
    let line = printed.split('`').next().expect("a command");
    assert_eq!(line, "sopup run 'my scripts/run.sh'");
    let wanted = "Zq9wLm2xTr7pKd 249169352986 \n";
    let run = as_printed(&bench, line);
    assert_eq!((run.code, run.stdout.as_str()), (0, wanted), "{}", run.stderr);
    // Without a command it is the script that runs.
    let run = bench.sopup(["run", "my scripts/run.sh"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, wanted), "{}", run.stderr);
    let run = bench.sopup(["run", "secrets/accounts.sops.env", "my scripts/run.sops.env", "--", "./my scripts/run.sh", "a b"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "Zq9wLm2xTr7pKd 249169352986 a b\n"), "{}", run.stderr);
    for (args, told) in [
        (&["run", ".sops.yaml"][..], ".sops.yaml names no SOPS file"),
        (&["run", "secrets/accounts.sops.env", "my scripts/run.sops.env"], "no command is named"),
    ] {
        let run = bench.run(Command::new(env!("CARGO_BIN_EXE_sopup")).args(args));
        assert!(run.code == 2 && run.stderr.contains(told), "{args:?}: {}", run.stderr);
    }
}

#[test]
fn values_that_contradict_each_other_are_refused() {
    let bench = Bench::new();
    for (path, value) in [("a.sops.env", "Zq9wLm2xTr7pKd"), ("b.sops.env", "Zq8wLm2xTr7pKd")] {
        bench.place.write(".git/plain.env", format!("DB_PASSWORD={value}\n"));
        assert_eq!(bench.sopup(["encrypt", ".git/plain.env", "--output", path]).code, 0);
    }
    let run = bench.sopup(["run", "a.sops.env", "b.sops.env", "--", "true"]);
    assert!(run.code == 2 && run.stderr.contains("DB_PASSWORD has different values in a.sops.env and b.sops.env"), "{}", run.stderr);
    assert!(!run.stderr.contains("Lm2xTr7pKd"), "{}", run.stderr);
}

/// New files have a rule afterwards, by which the real sops knows who may open them.
#[test]
fn new_files_get_creation_rules() {
    let bench = Bench::new();
    let rules =
        format!("creation_rules:\n  # ours\n  - path_regex: ^secrets/.*$\n    age: {}\nstores:\n  json:\n    indent: 2\n", bench.recipient);
    bench.place.write(".sops.yaml", &rules);
    let secret = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  password: Zq9wLm2xTr7pKd\n";
    bench
        .place
        .write("run.sh", "#!/bin/sh\nexport DB_PASSWORD=Zq9wLm3xTr7pKd\n")
        .write("it's/values.yaml", "db:\n  password: Zq9wLm4xTr7pKd\n")
        .write("k8s/db.yaml", secret);
    bench.commit();
    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("note: .sops.yaml gets creation rules for 3 SOPS files"), "{}", run.stdout);
    let text = read(&bench, ".sops.yaml");
    let added = text.replace(&format!("    age: {}\n", bench.recipient), "");
    let wanted = "creation_rules:\n  # ours\n  - path_regex: ^secrets/.*$\n  - path_regex: '^k8s/db\\.yaml$'\n    encrypted_regex: \
                  '^(data|stringData)$'\n  - path_regex: '\\.sops\\.env$|^it\\''s/secrets\\.yaml$'\nstores:\n  json:\n    indent: 2\n";
    assert_eq!(added, wanted.replace("it\\''s", "it\\''''s").replace("\\''''", "\\''"), "{text}");
    for path in ["run.sops.env", "it's/secrets.yaml", "k8s/db.yaml"] {
        let run = bench.run(Command::new(sops_binary()).args(["updatekeys", "--yes", path]));
        assert!(run.code == 0 && run.stderr.contains("already up to date"), "{path}: {}{}", run.stdout, run.stderr);
    }
    assert_eq!(bench.migrate(["--undo"]).code, 0);
    assert_eq!(read(&bench, ".sops.yaml"), rules);
}

#[test]
fn a_default_gives_way_with_its_expansion() {
    let bench = Bench::new();
    let compose = "services:\n  db:\n    image: postgres\n    environment:\n      POSTGRES_PASSWORD: ${PG_PASS:-Zq9wLm2xTr7pKd}\n      \
                   # ADMIN_PASSWORD: Zq7wLm2xTr7pKd\n";
    bench.place.write("stack.yml", compose);
    bench.place.write("run.sh", "#!/bin/sh\nset -eu\necho \"${DB_PASSWORD:-Zq6wLm2xTr7pKd}\"\n");
    executable(&bench, "run.sh");
    bench.commit();
    let run = bench.migrate(["--yes", "--no-history"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let told = "set by sops exec-env compose.sops.env";
    let text = read(&bench, "stack.yml");
    assert!(text.contains(&format!("POSTGRES_PASSWORD: ${{PG_PASS:?{told}}}\n")), "{text}");
    assert!(text.contains(&format!("# ADMIN_PASSWORD: ${{ADMIN_PASSWORD:?{told}}}\n")), "{text}");
    let script = read(&bench, "run.sh");
    assert!(script.contains("echo \"${DB_PASSWORD:?set by sops exec-env run.sops.env}\"\n"), "{script}");
    let run = bench.run(Command::new("./run.sh").env("DB_PASSWORD", "mine"));
    assert_eq!((run.code, run.stdout.as_str()), (0, "mine\n"));
    let run = bench.sopup(["run", "run.sh"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "Zq6wLm2xTr7pKd\n"), "{}", run.stderr);
}

#[test]
fn a_password_that_is_typed_twice_moves_twice() {
    let bench = Bench::new();
    let script = "#!/bin/bash\nset -eu\necho -e \"Zq9wLm2xTr7pKd\\nZq9wLm2xTr7pKd\" | passwd root\necho deploy:Zq8wLm2xTr7pKd | chpasswd\n";
    bench.place.write("bootstrap.sh", script).write("bin/passwd", "#!/bin/sh\ncat\n").write("bin/chpasswd", "#!/bin/sh\ncat\n");
    ["bootstrap.sh", "bin/passwd", "bin/chpasswd"].iter().for_each(|path| executable(&bench, path));
    bench.commit();
    let path = path_with([bench.place.join("bin")]);
    let before = bench.run(Command::new("./bootstrap.sh").env("PATH", &path));
    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(!read(&bench, "bootstrap.sh").contains("Lm2xTr7pKd"), "{}", read(&bench, "bootstrap.sh"));
    assert_eq!(bench.decrypt("bootstrap.sops.env"), "ROOT_PASSWORD=Zq9wLm2xTr7pKd\nDEPLOY_PASSWORD=Zq8wLm2xTr7pKd\n");
    let after = bench.run(Command::new(env!("CARGO_BIN_EXE_sopup")).args(["run", "bootstrap.sh"]).env("PATH", &path));
    assert_eq!((after.code, after.stdout), (0, before.stdout), "{}", after.stderr);
}

#[test]
fn playbooks_look_values_up() {
    let bench = Bench::new();
    let play = "- hosts: all\n  become: true\n  tasks:\n    - name: database\n      community.docker.docker_container:\n        env:\n          \
                MYSQL_ROOT_PASSWORD: Zq9wLm2xTr7pKd\n          DATABASE_URL: mysql://app:Zq8wLm2xTr7pKd@db/app\n";
    bench.place.write("provisioning/docker.yml", play);
    bench
        .place
        .write("group_vars/all", "db_password: Zq7wLm2xTr7pKd\n")
        .write("site/roles/db/vars/main.yml", "db_password: Zq7wLm2xTr7pKd\n");
    bench.commit();
    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    assert!(run.stdout.contains("- manual provisioning/docker.yml:8"), "{}", run.stdout);
    let text = read(&bench, "provisioning/docker.yml");
    let from = |up: &str| format!("\"{{{{ lookup('community.sops.sops', playbook_dir ~ '/{up}secrets/shared.enc.yaml', extract=");
    assert!(text.contains(&format!("MYSQL_ROOT_PASSWORD: {}", from("../"))), "{text}");
    // Files of variables are those of the playbooks beside their folder.
    for path in ["group_vars/all", "site/roles/db/vars/main.yml"] {
        assert!(!read(&bench, path).contains("Zq7wLm2xTr7pKd"), "{path}");
    }
    assert!(read(&bench, "group_vars/all").contains("{{ lookup('community.sops.sops', 'secrets/shared.enc.yaml', extract="));
    assert!(read(&bench, "site/roles/db/vars/main.yml").contains(&from("../")));
}

/// The real make, with the values and without.
#[test]
fn makefiles_do_what_they_did() {
    let bench = Bench::new();
    let makefile = "DB_PASSWORD := dZGticVp4YMga48\nAPI_PASSWORD = OrchidMeadow.898\nURL ?= postgres://app:KOf-SIjrc-2JV@db/app\n\nshow:\n\t@echo \
                    '$(DB_PASSWORD)' '$(API_PASSWORD)' $(URL)\n\nlogin:\n\t@echo | docker login -u x -p Zq8wLm2xTr7pKd\n\nother:\n\t@echo other\n";
    bench.place.write("app/Makefile", makefile).write("bin/docker", "#!/bin/sh\ncat; echo \" $*\"\n");
    executable(&bench, "bin/docker");
    bench.commit();
    let path = path_with([bench.place.join("bin")]);
    let before = bench.run(Command::new("make").args(["-C", "app", "-s", "show", "login"]).env("PATH", &path));
    assert_eq!(before.code, 0, "{}", before.stderr);
    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let text = read(&bench, "app/Makefile");
    assert!(!text.contains("Zq8wLm2x") && !text.contains("KOf-SI") && !text.contains("Meadow"), "{text}");
    assert!(run.stdout.contains("`sops exec-env app/make.sops.env 'make -C app'`"), "{}", run.stdout);
    let with = |target: &str| format!("make -C app -s {target}");
    let after = bench.run(Command::new(sops_binary()).args(["exec-env", "app/make.sops.env", &with("show login")]).env("PATH", &path));
    assert_eq!((after.code, after.stdout), (0, before.stdout), "{}", after.stderr);
    let without = bench.run(Command::new("make").args(["-C", "app", "-s", "show"]));
    assert!(
        without.code != 0 && without.stderr.contains("DB_PASSWORD must be set by sops exec-env app/make.sops.env"),
        "{}",
        without.stderr
    );
    let other = bench.run(Command::new("make").args(["-C", "app", "-s", "other"]));
    assert_eq!((other.code, other.stdout.as_str()), (0, "other\n"), "what needs no value needs none");
}

/// Names of folders that a shell, make or YAML would take for more than names.
#[test]
fn names_of_folders_are_never_run() {
    for folder in ["app $(touch PWNED)", "a`touch PWNED`", "m $(shell touch PWNED)", "c}d", "g #h", "it's $x", "q\"r"] {
        let bench = Bench::new();
        bench
            .place
            .write(&format!("{folder}/a.sh"), "#!/bin/bash\nset -eu\nexport DB_PASSWORD=\"Walrus88-Timber.X\"\necho \"[$DB_PASSWORD]\"\n")
            .write(&format!("{folder}/Makefile"), "DB_PASSWORD = Walrus88-Timber.X\nshow:\n\t@echo '[$(DB_PASSWORD)]'\n")
            .write(
                &format!("{folder}/compose.yaml"),
                "services:\n  db:\n    image: x\n    environment:\n      DB_PASSWORD: Walrus88-Timber.X\n",
            );
        bench.commit();
        let run = bench.migrate(["--yes", "--no-history"]);
        assert_eq!(run.code, 0, "{folder}: {}{}", run.stdout, run.stderr);
        let compose: serde_yaml::Value = serde_yaml::from_str(&read(&bench, &format!("{folder}/compose.yaml"))).expect("YAML");
        let value = compose["services"]["db"]["environment"]["DB_PASSWORD"].as_str().expect("a text").to_owned();
        assert!(
            value.starts_with("${DB_PASSWORD:?set by ") && value.ends_with('}') && value.matches('}').count() == 1,
            "{folder}: {value}"
        );
        for (program, args) in [("bash", vec!["a.sh"]), ("make", vec!["-s", "show"])] {
            let mut command = Command::new(program);
            command.args(args).current_dir(bench.place.join(folder)).env_remove("DB_PASSWORD");
            let output = command.output().expect("it runs");
            assert!(!output.status.success() && output.stdout.is_empty(), "{folder}: {program}");
            let output = command.env("DB_PASSWORD", "Walrus88-Timber.X").output().expect("it runs");
            assert_eq!(String::from_utf8_lossy(&output.stdout), "[Walrus88-Timber.X]\n", "{folder}: {program}");
        }
        assert!(!bench.place.join("PWNED").exists() && !bench.place.join(&format!("{folder}/PWNED")).exists(), "{folder}");
    }
}

/// What would go on, or with another value, is not called safe.
#[test]
fn doubtful_places_of_scripts_and_settings_are_reviewed() {
    let bench = Bench::new();
    bench
        .place
        .write("quotes.sh", "#!/bin/bash -eu\ncurl -d '{\n  \"password\": \"Walrus88-Timber.X\"\n}' https://x.corp.net\n")
        .write("pipe.sh", "#!/bin/sh\ncurl --password=Walrus89-Timber.X https://x.corp.net | sort\n")
        .write("ansi.sh", "#!/bin/bash\nexport DB_PASSWORD=$'gR4nite\\x2dFalcon\\'27x'\n")
        .write("a.sh", "#!/bin/bash\nexport API_PASSWORD=Harb0r-Quartz.7\nbash ./b.sh\n")
        .write("b.sh", "#!/bin/bash\nexport API_PASSWORD=gR4nite-Falcon-27\n")
        .write("two.sh", "#!/bin/bash\necho \"${X_PASSWORD:-Pebb1e-Orbit-55}\" \"${X_PASSWORD:-Pebb1e-Orbit-56}\"\n")
        .write("Makefile", "Y_PASSWORD = \"Pebb1e-Orbit-57\"\nARGS = a \\\n\t--password=Pebb1e-Orbit-58\n")
        .write("used/compose.yaml", "services:\n  db:\n    image: x\n    environment:\n      DB_PASSWORD: Pebb1e-Orbit-59\n  web:\n    image: y\n    environment:\n      DB_PASSWORD: ${DB_PASSWORD:-}\n")
        .write("listed/compose.yaml", "services:\n  db:\n    image: x\n    env_file: defaults.env\n")
        .write("listed/defaults.env", "DB_PASSWORD=Pebb1e-Orbit-60\n")
        .write("main.tf", "# variable \"db_password\" { type = string }\nvariable \"db_password\" {\n  default = \"\"\n}\n")
        .write("terraform.tfvars", "db_password = \"Pebb1e-Orbit-61\"\n")
        .write("run.tcl", "#!/usr/bin/tclsh\nset env(DB_PASSWORD) \"Pebb1e-Orbit-62\"\n")
        .write("loop.sh", "#!/bin/bash\nfor i in 1; do PGPASSWORD=Pebb1e-Orbit-63 psql; done\n")
        .write("line.sh", "#!/bin/bash\nexport A_PASSWORD='Walrus\\n88-Timber.X'\n");
    bench.commit();
    let plan = bench.migrate(["--dry-run"]).stdout;
    let safe: Vec<&str> = plan.lines().filter_map(|line| line.strip_prefix("+ safe ")).collect();
    let files: Vec<&str> = safe.iter().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(files, ["Makefile", "loop.sh", "used/compose.yaml"], "{plan}");
    assert!(plan.contains("→ used/compose.sops.env DB_PASSWORD_2"), "{plan}");
    assert!(plan.contains("→ loop.sops.env LOOP_PGPASSWORD"), "{plan}");
    for told in [
        "- needs-review quotes.sh:3",
        "- needs-review pipe.sh:2",
        "- manual ansi.sh:2",
        "- needs-review a.sh:2",
        "API_PASSWORD has another value in b.sh",
        "- needs-review listed/defaults.env:1",
        "- needs-review terraform.tfvars:1",
        "- manual line.sh:2",
    ] {
        assert!(plan.contains(told), "{told} in {plan}");
    }
    let run = bench.migrate(["--yes", "--no-history"]);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    let run = bench.migrate(["--yes", "--summary", "json=nowhere/x"]);
    assert!(run.code == 2 && run.stderr.contains("there is no folder nowhere"), "{}", run.stderr);
}

#[test]
fn settings_of_spring_are_safe_where_a_server_refuses_the_reference() {
    let bench = Bench::new();
    bench
        .place
        .write("a/application.yml", "spring:\n  datasource:\n    password: Ruby-Glacier-52\n  security:\n    user:\n      password: Ruby-Glacier-53\njwt:\n  secret: Zq9wLm2xTr7pKdZ81Xv\n")
        .write("b/application.properties", "spring.datasource.url=jdbc:h2:file:./db\nspring.datasource.password=Ruby-Glacier-54\n");
    bench.commit();
    let plan = bench.migrate(["--dry-run"]).stdout;
    let safe: Vec<&str> = plan.lines().filter_map(|line| line.strip_prefix("+ safe ")).filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(safe, ["a/application.yml:3"], "{plan}");
    assert_eq!(plan.matches("- needs-review ").count(), 3, "{plan}");
}

#[test]
fn settings_that_a_program_may_take_as_they_stand_need_review() {
    let bench = Bench::new();
    bench
        .place
        .write("a/src/main/resources/application.yml", "spring:\n  datasource:\n    password: Ruby-Glacier-52\n")
        .write("a/pom.xml", "<project><dependency>com.alibaba:druid:1.2</dependency></project>\n")
        .write("b/appsettings.json", "{\"ConnectionStrings\": {\"Shop\": \"Server=db;User Id=app;Password=Ruby-Glacier-54\"}}\n");
    bench.commit();
    let plan = bench.migrate(["--dry-run"]).stdout;
    assert!(plan.contains("2 places: 0 safe, 2 need review, 0 manual"), "{plan}");
    assert!(plan.contains("without it the connection string is refused where it is first used"), "{plan}");
}

#[test]
fn what_somebody_made_up_is_not_moved_unasked() {
    let bench = Bench::new();
    bench
        .place
        .write("a.sh", "#!/bin/sh\nmail --password '5up3r-53cr3t-9x'\n")
        .write("b.sh", "#!/bin/sh\nmail --password 'Harbour@12345'\n")
        .write("c.sh", "#!/bin/sh\nDEFAULT_ROPASS='Zq6wLm2xTr7pKd'\n")
        .write("d.sh", "#!/bin/sh\nAUTH_TOKEN='VGhpc0lzTXlTaG9wVG9rZW4wMTIzNDU2Nzg5'\n")
        .write("e.yml.sample", "# use something like:\n# - { name: shop, key: 'Zq7wLm2xTr7pKdAA' }\n")
        .write("wiki.md", "Let's assume the user olaf:\n\nThe password is `Zq9wLm2xTr7pKd`.\n")
        .write("table.md", "| Field | Example |\n| --- | --- |\n| password | `Zq8wLm2xTr7pKd` |\n")
        .write("list.md", "1. sudo docker exec -it db sqlcmd -P 'Zq5wLm2xTr7pKd'\n");
    bench.commit();
    let plan = bench.migrate(["--dry-run", "--include-review"]).stdout;
    assert!(!plan.contains("+ safe "), "{plan}");
    for (file, why) in [
        ("a.sh:2", "its value speaks of a test or an example"),
        ("b.sh:2", "its value speaks of a test or an example"),
        ("c.sh:2", "its name calls it a default"),
        ("d.sh:2", "its value speaks of a test or an example"),
        ("wiki.md:3", "the text calls it an example"),
        ("table.md:3", "the text calls it an example"),
        ("list.md:1", "whoever pastes the command"),
    ] {
        let step = plan.split_once(&format!("needs-review {file}")).and_then(|(_, rest)| rest.lines().nth(1)).unwrap_or_default();
        assert!(step.contains(why), "{file}: {why} in {plan}");
    }
    assert!(plan.contains("+1. sudo docker exec -it db sqlcmd -P ''\"$(sops decrypt"), "{plan}");
}

#[test]
fn names_in_texts_and_what_others_set_are_not_moved_unasked() {
    let bench = Bench::new();
    bench
        .place
        .write("a.md", "The password is `devstack7@corp.net`.\n")
        .write("b.md", "The password is `Zq9wLm2xTr7pKd`.\n")
        .write("c.md", "Run it:\n\n    C:\\Windows>ktpass -pass Zq8wLm2xTr7pKd\n")
        .write(
            "d/docker-compose.yml",
            "services:\n  db:\n    environment:\n      MYSQL_USER: walrus2carbon7X\n      MYSQL_PASSWORD: walrus2carbon7X\n",
        )
        .write("e.sh", "#!/bin/sh\nset -e\naws s3 ls --account arn:aws:iam::296733347720:role/shop\n")
        .write("f.ts", "process.env.DB_PASSWORD = 'Zq7wLm2xTr7pKd';\n");
    bench.commit();
    let plan = bench.migrate(["--dry-run", "--include-review"]).stdout;
    assert_eq!(plan.lines().filter(|line| line.starts_with("+ safe ")).count(), 1, "{plan}");
    for (step, why) in [
        ("+ safe b.md:1", ""),
        ("needs-review a.md:1", "it looks like the name of something"),
        ("needs-review d/docker-compose.yml:5", "a user beside it is called so, too"),
        ("needs-review e.sh:3", "another account may be in AWS_ACCOUNT_ID"),
        ("manual f.ts:1", "becomes the text `undefined`"),
    ] {
        let (_, rest) = plan.split_once(step).unwrap_or_else(|| panic!("{step} in {plan}"));
        assert!(rest.lines().nth(1).is_some_and(|reason| reason.contains(why)), "{step}: {why} in {plan}");
    }
    assert!(!plan.contains("`sops decrypt --extract '[\"c\"]"), "{plan}");
}

#[test]
fn templates_of_other_programs_are_left_to_people() {
    let bench = Bench::new();
    bench
        .place
        .write("chart/Chart.yaml", "name: shop\n")
        .write(
            "chart/templates/secret.yaml",
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: shop\nstringData:\n  password: Zq9wLm2xTr7pKd\n",
        )
        .write("boot/user-data.tpl", "#!/bin/sh\nexport DB_PASSWORD='Zq5wLm2xTr7pKd'\n");
    bench.commit();
    let plan = bench.migrate(["--dry-run"]).stdout;
    assert!(plan.contains("manual chart/templates/secret.yaml:6") && plan.contains("a template of a Helm chart"), "{plan}");
    assert!(plan.contains("manual boot/user-data.tpl:2") && plan.contains("a template, which reads `${…}` itself"), "{plan}");
}

#[test]
fn commands_start_what_they_are_printed_for() {
    let bench = Bench::new();
    let compose = |value: &str| format!("services:\n  db:\n    image: x\n    command: \"redis-server --requirepass {value}\"\n");
    bench.place.write("examples/shop/docker-compose.yml", compose("Same9wLm2xTr7pK"));
    bench.place.write("docker-compose.yml", compose("Same8wLm2xTr7pK"));
    // The shell of the container expands this, and compose only what stands in it.
    bench.place.write("cache/compose.yaml", compose("$${REDIS_PASSWORD:-Same7wLm2xTr7pK}"));
    let script = "#!/bin/bash\nDB_PASSWORD=Zq8wLm2xTr7pKd\necho \"$DB_PASSWORD\"\n";
    bench.place.write("seed.sh", script).write("run.sh", script);
    executable(&bench, "run.sh");
    bench.commit();
    let run = bench.migrate(["--yes", "--no-history"]);
    for command in [
        "`sops exec-env examples/shop/compose.sops.env 'docker compose -f examples/shop/docker-compose.yml up'`",
        "`sops exec-env compose.sops.env 'docker compose up'`",
        "`sops exec-env run.sops.env 'bash seed.sh'`",
        "`sops exec-env run.sops.env ./run.sh`",
    ] {
        assert!(run.stdout.contains(command), "{command}: {}", run.stdout);
    }
    let text = read(&bench, "cache/compose.yaml");
    assert!(text.contains("$${REDIS_PASSWORD:-${") && text.contains(":?set by sops exec-env cache/compose.sops.env}}"), "{text}");
    let after = bench.run(Command::new(sops_binary()).args(["exec-env", "run.sops.env", "bash seed.sh"]));
    assert_eq!((after.code, after.stdout.as_str()), (0, "Zq8wLm2xTr7pKd\n"), "{}", after.stderr);
}

#[test]
fn what_takes_no_reference_stays() {
    let bench = Bench::new();
    let workflow = "on: push\njobs:\n  test:\n    services:\n      db:\n        image: mysql\n        options: --health-cmd \"mysql -uroot \
                    -pZq9wLm2xTr7pKd\"\n";
    bench.place.write(".github/workflows/ci.yml", workflow);
    // No comment of a program begins here.
    bench.place.write("deploy/notes.conf", "/*.log\ndb_password = Zq6wLm2xTr7pKd\n");
    bench.place.write("fix.patch", "--- a/x.env\n+++ b/x.env\n@@ -1 +1 @@\n-A=1\n+DB_PASSWORD=Zq9wLm2xTr7pKd\n");
    bench.place.write("gems/client-4.25.1/README.md", "The password is `Zq9wLm2xTr7pKd`.\n");
    let spring = "spring:\n  datasource:\n    druid:\n      stat-view-servlet:\n        login-password: Zq9wLm2xTr7pKd\n";
    bench.place.write("src/main/resources/application.yml", spring);
    let code = "package shop\n\n/*\n{\n  \"access_token\": \"Zq9wLm2xTr7pKdHt5vBn3cXw8\"\n}\n*/\nfunc Open() {}\n";
    bench.place.write("shop.go", code);
    bench.commit();
    let run = bench.migrate(["--yes", "--no-history"]);
    for stays in ["- manual .github/workflows/ci.yml:7", "- manual fix.patch:5", "- manual gems/client-4.25.1/README.md:1"] {
        assert!(run.stdout.contains(stays), "{stays}: {}", run.stdout);
    }
    assert!(read(&bench, "deploy/notes.conf").contains("Zq6wLm2xTr7pKd"), "it needs review");
    assert_eq!(read(&bench, "src/main/resources/application.yml"), spring, "the page would be guarded by the reference itself");
    // A remark takes no code.
    let code = read(&bench, "shop.go");
    assert!(code.starts_with("package shop\n\n/*") && !code.contains("os.") && !code.contains("import"), "{code}");
}

#[test]
fn settings_of_frameworks_move_only_where_the_framework_reads_them() {
    let bench = Bench::new();
    let database = "production:\n  password: Zq9wLm2xTr7pKd\n";
    let connections =
        r#"{ "ConnectionStrings": { "A": "Server=db;Password=Zq8wLm2xTr7pKd;Other=1", "B-c": "Server=db;Password=Zq7wLm2xTr7pKd" } }"#;
    bench
        .place
        .write("shop/Gemfile", "gem \"rails\"\n")
        .write("shop/config/database.yml", database)
        .write("other/config/database.yml", database)
        .write("api/appsettings.Production.json", connections);
    bench.commit();
    assert_eq!(bench.migrate(["--yes", "--include-review", "--no-history"]).code, 0);
    assert!(read(&bench, "shop/config/database.yml").contains("<%= ENV.fetch(\"PRODUCTION_DATABASE_PASSWORD\").to_json %>"));
    // No Ruby runs in it, and no variable can be called `ConnectionStrings__B-c`.
    assert!(read(&bench, "other/config/database.yml").contains("password: ref+sops://"));
    let settings = read(&bench, "api/appsettings.Production.json");
    assert!(settings.contains(r#""B-c": "Server=db;Password=ref+sops://"#), "{settings}");
    let opened = bench.decrypt("api/appsettings.Production.sops.env");
    assert_eq!(opened, "ConnectionStrings__A=Server=db;Password=Zq8wLm2xTr7pKd;Other=1\n");
}

#[test]
fn programs_that_stop_without_a_variable_need_no_review() {
    let bench = Bench::new();
    bench
        .place
        .write("app/settings.py", "def f():\n    import os\n    return os\nDB_PASSWORD = \"Zq9wLm2xTr7pKd\"\nprint(DB_PASSWORD)\n")
        .write("app/joined.py", "API_PASSWORD = \"Zq8wLm2xTr7pKd\" \"more\"\n")
        .write("app/config.js", "const password = \"Zq7wLm2xTr7pKd\";\n")
        .write(
            "app/mail.pl",
            "my $mail_password = \"Zq6wLm2xTr7pKd\";\nmy $url = 'amqp://guest:Zq5xLm2xTr7pKd@x';\nprint \"$mail_password\\n\";\n",
        )
        .write(
            "app/Login.java",
            "class Db {\n    static String password = \"Zq5wLm2xTr7pKd\";\n    static final String PASSWORD = \"Zq4wLm2xTr7pKd\";\n}\n",
        )
        .write(
            "app/Login.cs",
            "class Db {\n    static string password = \"Zq3wLm2xTr7pKd\";\n    const string Password = \"Zq2wLm2xTr7pKd\";\n}\n",
        )
        .write("app/config.py", "password = config(\"P\", default=\"Zq0wLm2xTr7pKd\")\n")
        .write("app/Db.php", "<?php class Db {\n    private $password = 'Zq9wLm3xTr7pKd';\n}\n");
    bench.commit();
    let plan = bench.migrate(["--dry-run"]).stdout;
    for line in [
        "+ safe app/settings.py:4",
        "- manual app/joined.py:1",
        "- needs-review app/config.js:1",
        "+ safe app/mail.pl:1",
        "+ safe app/Login.java:2",
        "- needs-review app/Login.java:3",
        "+ safe app/Login.cs:2",
        "- manual app/Login.cs:3",
        "- needs-review app/config.py:1",
        "- manual app/Db.php:2",
    ] {
        assert!(plan.contains(line), "{line} in {plan}");
    }
    assert_eq!(bench.migrate(["--yes", "--no-history"]).code, 1);
    for (program, file, variable, message) in [
        ("python3", "app/settings.py", "DB_PASSWORD", "KeyError: 'DB_PASSWORD'"),
        ("perl", "app/mail.pl", "MAIL_PASSWORD", "MAIL_PASSWORD is not set"),
    ] {
        let mut command = Command::new(program);
        let run = bench.run(command.arg(file).env_remove(variable));
        assert!(run.code != 0 && run.stderr.contains(message), "{}{}", run.stdout, run.stderr);
        let run = bench.run(command.env(variable, "mine"));
        assert_eq!((run.code, run.stdout.as_str()), (0, "mine\n"), "{}", run.stderr);
    }
}

#[test]
fn what_may_be_read_otherwise_is_reviewed() {
    let bench = Bench::new();
    let names = "The 90DaysOfSailing course\n".repeat(30);
    bench
        .place
        .write("docs/day.md", "---\npassword: Zq9wLm2xTr7pKd\n---\nThe password is `Zq8wLm2xTr7pKd`.\n")
        .write("docs/account.md", "AWS account 296733347720.\n\n```sh\nexport ACCOUNT_ID=296733347720\n```\n")
        .write("course/.env", "ELASTIC_PASSWORD='90DaysOfSailing'\n")
        .write("course/notes.md", names)
        .write(".env.example", "JWT_SECRET=Zq6wLm2xTr7pKd\nDB_PASSWORD=Zq7wLm2xTr7pKd\n")
        .write("run.sh", "#!/bin/sh\nPASSWORD='Zq4wLm2xTr7pKd'\nmail --password 'Zq3Test2xTr7pKd'\n")
        .write("keys/k.jwk", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"a\",\"d\":\"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI\"}\n")
        .write("shop/Gemfile", "gem \"rails\"\n")
        .write("shop/config/database.yml", "production:\n  password: <%= ENV.fetch('DB_PASSWORD', 'Zq2wLm2xTr7pKd') %>\n")
        .write("src/A.java", "@Api(\n    value = \"x\",\n    password = \"Zq1wLm2xTr7pKd\")\nclass A {}\n");
    bench.commit();
    let plan = bench.migrate(["--dry-run", "--include-review"]).stdout;
    for line in [
        "needs-review docs/day.md:2",
        "+ safe docs/day.md:4",
        "+ safe docs/account.md:1",
        "needs-review docs/account.md:4",
        "needs-review course/notes.md:1",
        "needs-review .env.example:1",
        "needs-review .env.example:2",
        "+ safe run.sh:2",
        "needs-review run.sh:3",
        "manual keys/k.jwk:1",
        "manual src/A.java:3",
    ] {
        assert!(plan.contains(line), "{line} in {plan}");
    }
    assert!(plan.contains("export ACCOUNT_ID=${AWS_ACCOUNT_ID:?}"), "{plan}");
    assert!(plan.contains("${RUN_PASSWORD:?set by"), "{plan}");
    assert!(plan.contains("+password: ref+sops://"), "{plan}");
    assert!(!plan.contains("ENV.fetch('DB_PASSWORD', '<%"), "{plan}");
}

/// Compose takes a secret from a variable, a swarm from what was made of it once; both commands run as printed.
#[test]
fn secrets_that_were_files_arrive_as_they_were() {
    let bench = Bench::new();
    let compose = |deploy: &str, file: &str| {
        format!("services:\n  db:\n    image: x\n{deploy}    secrets: [db_password]\nsecrets:\n  db_password:\n    file: {file}\n")
    };
    bench.place.write("compose.yaml", compose("", "./db_password.txt")).write("db_password.txt", "Zq9w$Lm2x'Tr7pKd");
    bench.place.write("my swarm/stack.yml", compose("    deploy:\n      mode: global\n", "api_token"));
    bench.place.write("my swarm/api_token", "b7Kq2mXv9LpT4wRz8NcY3hJd6FgS1aEu");
    // Stands in for docker: says what it was called with, and what it would hand on.
    bench.place.write("bin/docker", "#!/bin/sh\necho \"docker $*: ${DB_PASSWORD:-$(cat)}\"\n");
    executable(&bench, "bin/docker");
    bench.commit();
    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(read(&bench, "compose.yaml").ends_with("  db_password:\n    environment: DB_PASSWORD\n"), "{}", read(&bench, "compose.yaml"));
    assert!(read(&bench, "my swarm/stack.yml").ends_with("  db_password:\n    external: true\n"));
    for (file, wanted) in [
        ("db_password.txt", "docker compose up: Zq9w$Lm2x'Tr7pKd\n"),
        ("my swarm/api_token", "docker secret create db_password -: b7Kq2mXv9LpT4wRz8NcY3hJd6FgS1aEu\n"),
    ] {
        let told = run.stdout.lines().find_map(|line| line.strip_prefix(&format!("  {file}: "))).expect("what holds from now on");
        let command = told.split('`').nth(1).expect("a command");
        let path = path_with([bench.place.join("bin"), sops_binary().parent().expect("a folder").to_path_buf()]);
        let after = bench.run(Command::new("sh").args(["-c", command]).env("PATH", path));
        assert_eq!((after.code, after.stdout.as_str()), (0, wanted), "{command}: {}", after.stderr);
    }
}

#[test]
fn programs_share_no_variable_unless_they_share_the_value() {
    let bench = Bench::new();
    bench
        .place
        .write("app/db.py", "import psycopg2\n\nclient = psycopg2.connect(host=\"db\", user=\"app\", password=\"gR4nite-Falcon-27\")\n")
        .write("app/mail.py", "import smtplib\n\npassword = \"Harbor.Quartz.Lantern.731\"\n")
        .write(
            "jobs/report.py",
            "import psycopg2\n\nclient = psycopg2.connect(host=\"db\", user=\"app\", password=\"gR4nite-Falcon-27\")\n",
        );
    bench.commit();
    let run = bench.migrate(["--yes", "--include-review"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let name = |path: &str| {
        let text = read(&bench, path);
        let from = text.find("os.environ[\"").expect("is read from the environment") + 12;
        text[from..].split('"').next().unwrap_or_default().to_owned()
    };
    assert_eq!(name("app/db.py"), name("jobs/report.py"), "one value has one name");
    assert_ne!(name("app/db.py"), name("app/mail.py"), "two values have two");
}

#[test]
fn the_history_is_told_of_although_the_value_stays_elsewhere() {
    let bench = Bench::new();
    let script = "#!/bin/sh\nexport DB_PASSWORD=\"gR4nite-Falcon-27\"\n./start\n";
    bench.place.write("a.sh", script).write("b.sh", script);
    bench.commit();
    let run = bench.migrate(["--yes", "--only", "a.sh"]);
    assert!(run.stdout.contains("History still holds 1 of 1."), "{}", run.stdout);
}

#[test]
fn what_a_page_shows_in_quotes_over_lines_is_expanded() {
    let bench = Bench::new();
    let page = "# Users\n\n```bash\ncurl -X POST http://localhost/api \\\n  -d '{\n    \"password\": \"gR4nite-Falcon-27\"\n  }'\n```\n";
    bench.place.write("README.md", page);
    bench.commit();
    let run = bench.migrate(["--yes", "--include-review"]);
    let text = read(&bench, "README.md");
    assert!(text.contains("\"password\": \"'\"$(sops decrypt "), "{}{text}", run.stdout);
}

#[test]
fn envsubst_is_told_what_to_fill_in() {
    let bench = Bench::new();
    bench.place.write("nginx.conf", "proxy_set_header Host $host;\nset $arn arn:aws:iam::492836150718:role/web;\n");
    bench.commit();
    let run = bench.migrate(["--dry-run", "--include-review"]);
    assert!(run.stdout.contains("$AWS_ACCOUNT_ID"), "{}", run.stdout);
    assert!(!run.stdout.contains("envsubst <"), "{}", run.stdout);
}

#[test]
fn examples_of_variables_and_alternatives_of_programs_are_told_apart() {
    let bench = Bench::new();
    bench
        .place
        .write("env-example", "PORT=80\nDB_PASSWORD=gR4nite-Falcon-27\n")
        .write("server.js", "const password = process.env.DB_PASSWORD || 'Harbor.Quartz.Lantern.731';\n");
    bench.commit();
    let run = bench.migrate(["--yes", "--include-review"]);
    assert!(read(&bench, "env-example").contains("DB_PASSWORD=changeme"), "{}", run.stdout);
    assert!(read(&bench, "server.js").contains("Harbor.Quartz"), "a program that would read another variable is left: {}", run.stdout);
    assert_eq!(run.code, 1, "{}", run.stdout);
}
