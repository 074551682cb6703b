//! Comments that select what is encrypted: the values that sops chooses, wherever comments are indented.

use super::bench::{Bench, text};

/// Forms in which go-yaml gives a comment to something other than what is below it. `#` stands for the comment that selects.
const FORMS: [&str; 26] = [
    "l:\n- a: 1\n  b: 2\n\n    #\n- c: 3\n",
    "l:\n- a: 1\n  b: 2\n    #\n- c: 3\n",
    "l:\n- a: 1\n  b: 2\n\n#\n- c: 3\n",
    "l:\n- a: 1\n  b: 2\n\n  #\n- c: 3\n",
    "m:\n  a: 1\n\n    #\n  b: 2\n",
    "m:\n  a:\n    x: 1\n\n    #\n  b: 2\n",
    "m:\n  a:\n    x: 1\n    #\n  b: 2\n",
    "m:\n  a:\n    x: 1\n\n      #\n  b: 2\n",
    "m:\n  a:\n    x: 1\n\n    #\n\n  b: 2\n",
    "m:\n  a:\n    x: 1\n  #\n\n  b: 2\n",
    "    k:\n      - 1 #\n   #\n    l:\n        - 4\n",
    "        k:\n          x: 1\n    #\n        l: 5\n",
    "k:\n    - x: 3\n     #\n    - 5\n",
    "k:\n  - x: 7 #\n#\n  - 9\n",
    "k:\n- x: 2 #\n#\n\n- y: 5\n  z: 6\n- 7\n",
    "    k:\n  #\n\n      a: 2\n      b: 3\n    c: 4\n",
    "    k:\n  #\n\n      - 2\n      - 3\n    c: 4\n",
    "    k:\n\n  #\n\n        a: 15\n        b: 16\n",
    "    k:\n    #\n\n      - 2\n      - 3\n    c: 4\n",
    "  k:\n    #\n#\n    a: 7\n    b:\n      c: 8\n  d: 9\n",
    "  k:\n    #\n#\n    - 7\n    - 8\n  d: 9\n",
    "a: 1\n\n#\n\n# other\nb: 2\n",
    "a: 1\n# other\n\n#\nb: 2\nc: 3\n",
    "#\n\na: 1\nb: 2\n",
    "a: 1 #\nb: 2\n",
    "a: #\n  b: 2\n  c: 3\nd: 4\n",
];

/// The values that stand in a file as they are.
fn plain_values(file: &str) -> Vec<&str> {
    let lines = file.lines().take_while(|line| line.trim() != "sops:");
    let values =
        lines.filter_map(|line| line.trim().rsplit_once([':', '-']).map(|(_, value)| value.split('#').next().unwrap_or(value).trim()));
    values.filter(|value| !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit())).collect()
}

#[test]
fn comment_selectors_choose_what_sops_chooses() {
    let bench = Bench::new();
    for selector in ["encrypted", "unencrypted"] {
        let rules = format!("creation_rules:\n  - age: {}\n    {selector}_comment_regex: ^ plain\n", bench.recipients[0]);
        bench.put(".sops.yaml", rules.as_bytes());
        for form in FORMS {
            let plain = form.replace("# other", "@").replace('#', "# plain").replace('@', "# other");
            let theirs = text(&bench.sops_encrypt("x.yaml", plain.as_bytes(), &[]));
            let ours = bench.sopup_prints(&["encrypt", "--allow-plain", "x.yaml"]);
            assert_eq!(plain_values(&ours), plain_values(&theirs), "{selector}\n{plain}");
            let read = bench.sops_decrypt("y.yaml", ours.as_bytes()).unwrap_or_else(|error| panic!("{selector}\n{plain}{error}"));
            assert!(!text(&read).contains("ENC["), "{selector}\n{plain}");
            bench.decrypt("y.yaml", ours.as_bytes()).expect("we decrypt");
        }
    }
}

#[test]
fn no_ciphertext_of_a_comment_selects_anything() {
    let bench = Bench::new();
    // `Q` stands in most ciphertexts; sops gives up when it does.
    let rules = format!("creation_rules:\n  - age: {}\n    unencrypted_comment_regex: Q\n", bench.recipients[0]);
    bench.put(".sops.yaml", rules.as_bytes());
    bench.put("x.yaml", b"# one\na: 1\n# two\nb: 2\n# Q\nc: 3\n");
    for _ in 0..5 {
        let ours = bench.sopup_prints(&["encrypt", "x.yaml"]);
        assert!(!ours.contains("# one") && ours.contains("c: 3"), "{ours}");
        bench.sops_decrypt("y.yaml", ours.as_bytes()).expect("sops decrypts");
    }
    let rules = format!("creation_rules:\n  - age: {}\n    unencrypted_comment_regex: data\n", bench.recipients[0]);
    bench.put(".sops.yaml", rules.as_bytes());
    let run = bench.sopup(&["encrypt", "x.yaml"]);
    assert!(run.code == 2 && run.stderr.contains("anchor it"), "{}", run.stderr);
}
