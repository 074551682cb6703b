//! Values and their types, YAML and JSON, both directions (matrix cases 1 to 11 and 35).

use sopup::sops::ops::{AlteredNumbers, Plan};

use super::bench::{Bench, text};

const SIMPLE: &str = "a: hello\nb: \"two words\"\nc: 'x'\n";

#[test]
fn case_01_flat_yaml_from_us_opens_in_sops() {
    let bench = Bench::new();
    let encrypted = bench.encrypt("x.yaml", SIMPLE.as_bytes()).expect("encrypts");
    let plain = bench.sops_decrypt("x.yaml", &encrypted).expect("sops decrypts");
    assert_eq!(text(&plain), "a: hello\nb: two words\nc: x\n");
}

#[test]
fn case_02_flat_yaml_from_sops_opens_here() {
    let bench = Bench::new();
    let encrypted = bench.sops_encrypt("x.yaml", SIMPLE.as_bytes(), &[]);
    let plain = bench.decrypt("x.yaml", &encrypted).expect("decrypts");
    assert_eq!(text(&plain), "a: hello\nb: two words\nc: x\n");
}

#[test]
fn case_03_nested_maps_and_lists() {
    let bench = Bench::new();
    let plain = "a:\n    b:\n        - c: 1\n          d:\n            - x\n            - - y\n              - z\n        - e: f\n";
    let encrypted = bench.encrypt("x.yaml", plain.as_bytes()).expect("encrypts");
    assert_eq!(text(&bench.sops_decrypt("x.yaml", &encrypted).expect("sops decrypts")).replace("\"y\"", "y"), plain);
    let theirs = bench.sops_encrypt("x.yaml", plain.as_bytes(), &[]);
    assert_eq!(text(&bench.decrypt("x.yaml", &theirs).expect("decrypts")).replace("\"y\"", "y"), plain);
}

#[test]
fn case_35_json_objects_both_ways() {
    let bench = Bench::new();
    let plain = "{\n\t\"a\": \"x<&>\",\n\t\"n\": 5,\n\t\"f\": 1.5,\n\t\"t\": true,\n\t\"e\": \"\",\n\t\"z\": null,\n\t\"l\": [\n\t\t1,\n\t\t{\n\t\t\t\"k\": \"v\"\n\t\t}\n\t],\n\t\"m\": {},\n\t\"q\": []\n}";
    let encrypted = bench.encrypt("x.json", plain.as_bytes()).expect("encrypts");
    let theirs = text(&bench.sops_decrypt("x.json", &encrypted).expect("sops decrypts"));
    let same: serde_json::Value = serde_json::from_str(&theirs).expect("JSON");
    assert_eq!(same, serde_json::from_str::<serde_json::Value>(plain).expect("JSON"));
    let encrypted = bench.sops_encrypt("x.json", plain.as_bytes(), &[]);
    let ours = text(&bench.decrypt("x.json", &encrypted).expect("decrypts"));
    assert_eq!(ours.trim_end(), plain);
}

/// Plain YAML scalars whose type sops resolves in its own way.
const SCALARS: &str = "true True TRUE tRue false yes Yes no on Off y n null Null NULL ~ 0 -0 +1 007 08 0777 -0777 0o17 0O17 \
0x1F 0X1f 0b101 -0b11 1_000 1__0 0x_1 1. .5 -.5 1.0 1.50 1e3 1E3 1e+3 1e-3 12e03 1_0.5 .inf -.Inf +.INF .nan .NaN inf nan \
Infinity 190:20:30 1:30 9223372036854775807 18446744073709551616 -9223372036854775808 -9223372036854775809 123456789012 \
012345678901 014 000123456789 2024-01-02 2024-1-2 2024-01-02T03:04:05Z 2024-01-02t03:04:05.5Z 2001-12-14t21:59:43.10-05:00 \
2024-13-01 20240102 12345678901234567890123 1e400 0.1 1234.56789 1e21 1e20 123456789.125 1e-7 5e-324 3.0e0 0x 0o8 = -0.0";

#[test]
fn case_04_to_08_every_scalar_has_the_type_and_value_sops_gives_it() {
    let bench = Bench::new();
    let mut lines: Vec<String> = SCALARS.split_whitespace().map(str::to_owned).collect();
    let with_blanks = ["2024-01-02 03:04:05", "2024-01-02T03:04:05", "2024-01-02 03:04:05 +02:00", "'5'", "!!str 5", "! 5"];
    lines.extend(with_blanks.map(str::to_owned));
    let plain: String = lines.iter().enumerate().map(|(at, value)| format!("k{at}: {value}\n")).collect();
    let theirs = bench.sops_encrypt("x.yaml", plain.as_bytes(), &[]);
    let as_sops = Plan { altered_numbers: AlteredNumbers::Allow, ..bench.plan() };
    let ours = bench.encrypt_as("x.yaml", plain.as_bytes(), &as_sops).expect("encrypts");
    let types = |bytes: &[u8]| -> Vec<String> {
        let body = text(bytes);
        let values = body.lines().take_while(|line| *line != "sops:");
        values
            .map(|line| {
                line.rsplit_once("type:")
                    .map_or(line, |(_, kind)| kind)
                    .replace("NULL", "null")
                    .replace("Null", "null")
                    .replace('~', "null")
            })
            .collect()
    };
    assert_eq!(types(&ours), types(&theirs));
    let expected = bench.sops_decrypt("x.yaml", &theirs).expect("sops decrypts its own");
    assert_eq!(text(&bench.sops_decrypt("x.yaml", &ours).expect("sops decrypts ours")), text(&expected));
    bench.decrypt("x.yaml", &theirs).expect("we decrypt theirs, MAC and all");
    // What we decrypt is read by sops as the same values again.
    let plain_again = bench.decrypt("x.yaml", &ours).expect("we decrypt ours");
    let again = bench.sops_encrypt("x.yaml", &plain_again, &[]);
    assert_eq!(types(&again), types(&theirs));
    assert_eq!(bench.sops_decrypt("x.yaml", &again).map(|b| text(&b)), Ok(text(&expected)));
}

#[test]
fn case_04_numbers_sops_cannot_hold_are_refused() {
    let bench = Bench::new();
    for number in ["9223372036854775808", "18446744073709551615"] {
        let error = bench.encrypt("x.yaml", format!("a: b\nk: {number}\n").as_bytes()).expect_err("refused");
        assert!(error.to_string().contains("line 2") && !error.to_string().contains(number), "{error}");
    }
}

#[test]
fn case_09_empty_values_stay() {
    let bench = Bench::new();
    let plain = "a: \"\"\nb: null\nc: {}\nd: []\ne: v\nf:\ng: ~\n";
    let ours = bench.encrypt("x.yaml", plain.as_bytes()).expect("encrypts");
    assert!(text(&ours).starts_with("a: \"\"\nb: null\nc: {}\nd: []\ne: ENC["));
    assert!(text(&ours).contains("\nf:\ng: ~\nsops:\n"));
    bench.sops_decrypt("x.yaml", &ours).expect("sops decrypts");
    assert_eq!(text(&bench.decrypt("x.yaml", &ours).expect("decrypts")), plain);
    let theirs = bench.sops_encrypt("x.yaml", plain.as_bytes(), &[]);
    bench.decrypt("x.yaml", &theirs).expect("we decrypt theirs");
}

#[test]
fn case_10_odd_characters_and_large_values() {
    let bench = Bench::new();
    let plain = "u: \"gr\u{fc}n \u{1F511} \\u0001 \\0 tab\\t crlf\\r\\nend\"\nm: |\n    one\n      two\n\n    three\nk: \"line\\n\\n\"\n";
    {
        let (name, big) = ("x.yaml", format!("{plain}big: {}\n", "x".repeat(3 << 20)));
        let ours = bench.encrypt(name, big.as_bytes()).expect("encrypts");
        let theirs_plain = bench.sops_decrypt(name, &ours).expect("sops decrypts");
        let ours_plain = bench.decrypt(name, &ours).expect("decrypts");
        let values = |bytes: &[u8]| serde_yaml::from_slice::<serde_yaml::Value>(bytes).expect("YAML");
        assert_eq!(values(&theirs_plain), values(&ours_plain));
        assert_eq!(values(&ours_plain), values(big.as_bytes()));
        let theirs = bench.sops_encrypt(name, big.as_bytes(), &[]);
        assert_eq!(values(&bench.decrypt(name, &theirs).expect("decrypts")), values(big.as_bytes()));
    }
}

#[test]
fn case_11_values_that_look_special() {
    let bench = Bench::new();
    let value =
        "a: 'ENC[AES256_GCM,data:x]'\nb: 'trailing '\nc: 'k: v'\nd: 'x # y'\ne: '- z'\nf: '{{ a }}'\ng: '*x'\nh: '\"q\"'\ni: '0123'\n";
    let ours = bench.encrypt("x.yaml", value.as_bytes()).expect("encrypts");
    let values = |bytes: &[u8]| serde_yaml::from_slice::<serde_yaml::Value>(bytes).expect("YAML");
    for plain in [bench.sops_decrypt("x.yaml", &ours).expect("sops decrypts"), bench.decrypt("x.yaml", &ours).expect("decrypts")] {
        assert_eq!(values(&plain), values(value.as_bytes()));
    }
}
