//! The named classes of Go's regular expressions, spelled as the `regex` crate reads them.

/// The classes of ASCII, which are not those of the `regex` crate under `(?i)` and Unicode.
pub(super) fn posix_class(name: &str) -> Option<&'static str> {
    Some(match name {
        "[:alnum:]" => "[0-9A-Za-z]",
        "[:^alnum:]" => "[^0-9A-Za-z]",
        "[:alpha:]" => "[A-Za-z]",
        "[:^alpha:]" => "[^A-Za-z]",
        "[:ascii:]" => "[\\x00-\\x7F]",
        "[:^ascii:]" => "[^\\x00-\\x7F]",
        "[:blank:]" => "[\\t ]",
        "[:^blank:]" => "[^\\t ]",
        "[:cntrl:]" => "[\\x00-\\x1F\\x7F]",
        "[:^cntrl:]" => "[^\\x00-\\x1F\\x7F]",
        "[:digit:]" => "[0-9]",
        "[:^digit:]" => "[^0-9]",
        "[:graph:]" => "[!-~]",
        "[:^graph:]" => "[^!-~]",
        "[:lower:]" => "[a-z]",
        "[:^lower:]" => "[^a-z]",
        "[:print:]" => "[ -~]",
        "[:^print:]" => "[^ -~]",
        "[:punct:]" => "[!-/:-@\\[-`{-~]",
        "[:^punct:]" => "[^!-/:-@\\[-`{-~]",
        "[:space:]" => "[\\t\\n\\v\\f\\r ]",
        "[:^space:]" => "[^\\t\\n\\v\\f\\r ]",
        "[:upper:]" => "[A-Z]",
        "[:^upper:]" => "[^A-Z]",
        "[:word:]" => "[0-9A-Za-z_]",
        "[:^word:]" => "[^0-9A-Za-z_]",
        "[:xdigit:]" => "[0-9A-Fa-f]",
        "[:^xdigit:]" => "[^0-9A-Fa-f]",
        _ => return None,
    })
}

const CATEGORIES: [&str; 34] = [
    "Cc", "Cf", "Co", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Pe", "Pf", "Pi",
    "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs",
];
/// Scripts whose full names are as short as the abbreviations of others, which Go does not know.
const SHORT_SCRIPTS: [&str; 15] =
    ["Ahom", "Cham", "Han", "Kawi", "Lao", "Lisu", "Miao", "Modi", "Mro", "Newa", "Nko", "Thai", "Toto", "Vai", "Yi"];
/// Names that only one of the two knows, or that mean something else there.
const OTHER_SCRIPTS: [&str; 3] = ["Unknown", "Katakana_Or_Hiragana", "Assigned"];

/// A category or a script by the name that Go knows it by.
pub(super) fn known_class(name: &str) -> Option<String> {
    if name == "Any" {
        return Some("\\p{Any}".to_owned());
    }
    // Go's `C` leaves out what is not assigned.
    if name == "C" {
        return Some("\\p{Cc}\\p{Cf}\\p{Co}".to_owned());
    }
    if CATEGORIES.contains(&name) {
        return Some(format!("\\p{{gc={name}}}"));
    }
    let capitalised = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_uppercase()) && word.len() > 1 && word[1..].bytes().all(|b| b.is_ascii_lowercase())
    };
    let spelled = name == "SignWriting" || name.split('_').all(capitalised);
    let full = name.len() > 4 || SHORT_SCRIPTS.contains(&name);
    (spelled && full && !OTHER_SCRIPTS.contains(&name)).then(|| format!("\\p{{sc={name}}}"))
}
