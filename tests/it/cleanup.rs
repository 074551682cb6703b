//! `sopup cleanup`: how far each step is comes from the repository, commands are run in their order, and nothing that cannot be
//! taken back happens without a word that was typed.

use std::process::Command;

use crate::support::{Place, Run, finish, identity};

const PASSWORD: &str = "Orchid.Meadow.Tundra.898";

/// A repository with a password, and a key that lies elsewhere: what stands in a git directory is found, too.
struct Shop {
    place: Place,
    home: Place,
}

impl Shop {
    fn new() -> Self {
        let (place, home) = (Place::repository(), Place::new());
        let recipient = identity(&home, "keys.txt");
        place.write(".sops.yaml", format!("creation_rules:\n  - age: {recipient}\n"));
        place.write("app.env", format!("DB_PASSWORD={PASSWORD}\n"));
        place.git(["config", "user.name", "Ada"]);
        place.git(["config", "user.email", "ada@corp.net"]);
        place.commit("all");
        Self { place, home }
    }

    /// Runs the program, and looks that it does not print the password.
    fn run(&self, command: &mut Command) -> Run {
        command.env("SOPS_AGE_KEY_FILE", self.home.join("keys.txt")).env("HOME", self.home.path());
        command.env("XDG_STATE_HOME", self.home.path()).env_remove("SOPS_AGE_RECIPIENTS").env_remove("SOPS_AGE_KEY");
        let run = finish(command.output().expect("it runs"));
        assert!(!run.stdout.contains(PASSWORD) && !run.stderr.contains(PASSWORD), "{}{}", run.stdout, run.stderr);
        run
    }

    fn sopup(&self, args: &[&str]) -> Run {
        self.run(self.place.command().args(args))
    }

    /// On a terminal on which somebody types these answers. Whoever asks more finds that nobody answers any more.
    fn guided(&self, answers: &str) -> Run {
        let mut command = self.place.command_on_terminal(&format!("{answers}{}", "\u{4}".repeat(9)));
        self.run(command.arg("cleanup"))
    }

    /// Looks which steps are done, in their order, and which command comes next.
    fn stands(&self, marks: &str, next: &str) {
        let run = self.sopup(&["cleanup", "--status"]);
        let shown: String = run.stdout.lines().take(6).filter_map(|line| line.chars().next()).collect();
        let command = run.stdout.lines().find_map(|line| line.strip_prefix("Next: ")).unwrap_or_default();
        assert_eq!((shown.as_str(), command), (marks, next), "{}{}", run.stdout, run.stderr);
        assert_eq!(run.code, i32::from(marks != "✓✓✓✓✓✓"), "{}{}", run.stdout, run.stderr);
    }
}

#[test]
fn the_whole_way_by_the_commands_that_it_names() {
    let shop = Shop::new();
    shop.stands("✗✗✗✗✗-", "sopup cleanup --step scan");
    assert_eq!(shop.sopup(&["cleanup"]).code, 1, "without a terminal it asks nothing");
    let scan = shop.sopup(&["cleanup", "--step", "scan"]);
    assert!(scan.code == 1 && scan.stdout.contains("app.env"), "{}{}", scan.stdout, scan.stderr);
    shop.stands("✓✗✗✗✗-", "sopup migrate");
    let kept = std::fs::read_to_string(shop.place.join(".git/sopup/cleanup.json")).expect("it is remembered");
    assert!(kept.contains("sopup.cleanup/v1") && !kept.contains(PASSWORD), "{kept}");
    assert_eq!(shop.sopup(&["migrate", "--yes", "--include-review"]).code, 0);
    shop.place.commit("more");
    shop.stands("✓✓✗✗✗-", "sopup cleanup --step plan");
    let plan = shop.sopup(&["cleanup", "--step", "plan"]);
    assert!(plan.code == 1 && plan.stdout.contains("would get new names"), "{}{}", plan.stdout, plan.stderr);
    shop.stands("✓✓✓✗✗-", "sopup rotate record");
    assert_eq!(shop.sopup(&["rotate", "record"]).code, 0);
    shop.stands("✓✓✓✗✗-", "sopup rotate list");
    let listed = shop.sopup(&["rotate", "list", "--format", "json"]).stdout;
    let id = serde_json::from_str::<serde_json::Value>(&listed).expect("JSON")["entries"][0]["id"].as_str().expect("an id").to_owned();
    shop.home.write("new", "Basalt.Ferry.Quince.204");
    let new = std::fs::File::open(shop.home.join("new")).expect("it is there");
    let set = shop.run(shop.place.command().args(["rotate", "set", "--value-stdin", &id]).stdin(new));
    assert_eq!(set.code, 0, "{}", set.stderr);
    shop.place.commit("more");
    shop.stands("✓✓✓✓✗-", "sopup purge run --in-place");
    let refused = shop.sopup(&["cleanup", "--step", "purge"]);
    assert_eq!(refused.code, 4, "{}{}", refused.stdout, refused.stderr);
    assert_eq!(shop.sopup(&["purge", "run", "--in-place"]).code, 0);
    shop.stands("✓✓✓✓✗-", "sopup purge finish");
    assert_eq!(shop.sopup(&["purge", "finish", "--yes"]).code, 0);
    shop.stands("✓✓✓✓✓✓", "");
    // A fact, and no mark that was made once.
    shop.place.write("later.env", "API_PASSWORD=Walrus.Timber.Lantern.55\n");
    shop.stands("✗✗✓✗✓-", "sopup cleanup --step scan");
}

#[test]
fn somebody_is_led_through_it() {
    let shop = Shop::new();
    let quit = shop.guided("q\n");
    assert_eq!(quit.code, 1, "{}", quit.stdout);
    assert!(quit.stdout.contains("Shows every secret in the files"), "{}", quit.stdout);
    shop.stands("✗✗✗✗✗-", "sopup cleanup --step scan");
    // Scan, migrate and say yes to its plan, skip the rest.
    let first = shop.guided("r\nr\nr\ny\ny\ns\ns\ns\n");
    assert_eq!(first.code, 1, "{}", first.stdout);
    shop.stands("✓✓✗✗✗-", "sopup cleanup --step plan");
    shop.place.commit("more");
    let wrong = shop.guided("r\nr\ns\nr\nyes\n");
    assert_eq!(wrong.code, 4, "{}", wrong.stdout);
    assert!(wrong.stdout.contains("Type `rewrite` to go on"), "{}", wrong.stdout);
    shop.stands("✓✓✓✗✗-", "sopup rotate list");
    assert_eq!(shop.place.git(["for-each-ref", "refs/sopup"]), "");
    shop.place.commit("more");
    let last = shop.guided("s\nr\nrewrite\nr\nremove\n");
    assert_eq!(last.code, 1, "the credential is not replaced: {}", last.stdout);
    shop.stands("✓✓✓✗✓-", "sopup rotate list");
    assert_eq!(shop.place.git(["log", "-1", "--format=%H", "-S", PASSWORD]), "");
    assert_eq!(shop.place.git(["for-each-ref", "refs/sopup"]), "");
}

#[test]
fn it_can_be_begun_again() {
    let shop = Shop::new();
    shop.sopup(&["cleanup", "--step", "scan", "--quiet"]);
    shop.stands("✓✗✗✗✗-", "sopup migrate");
    shop.place.write(".git/sopup/cleanup.json", "damaged");
    let damaged = shop.sopup(&["cleanup", "--status"]);
    assert!(damaged.code == 2 && damaged.stderr.contains("--restart"), "{}", damaged.stderr);
    let again = shop.sopup(&["cleanup", "--restart", "--status"]);
    assert_eq!(again.code, 1, "{}", again.stderr);
    shop.stands("✗✗✗✗✗-", "sopup cleanup --step scan");
    let done = shop.sopup(&["cleanup", "--step", "migrate"]);
    assert_eq!(done.code, 2, "nobody is there to be asked: {}", done.stderr);
    let elsewhere = Place::new();
    let none = elsewhere.sopup(["cleanup"]);
    assert!(none.code == 2 && none.stderr.contains("not inside a git repository"), "{}", none.stderr);
}
