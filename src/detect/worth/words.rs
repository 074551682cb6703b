//! The words that a name is made of.

/// The words of a name in lower case: split at everything but letters and digits, and where
/// lower case turns to upper.
pub(in crate::detect) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut characters = name.chars().peekable();
    let mut last_lower = false;
    let mut last_upper = false;
    while let Some(character) = characters.next() {
        let joins = !character.is_alphanumeric() && !is_mark(character);
        let next_lower = characters.peek().is_some_and(|next| next.is_lowercase());
        let starts = character.is_uppercase() && (last_lower || last_upper && next_lower);
        if (joins || starts) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if !joins {
            match character.is_ascii() {
                true => word.push(character.to_ascii_lowercase()),
                false => word.extend(character.to_lowercase()),
            }
        }
        last_lower = character.is_lowercase() || character.is_ascii_digit();
        last_upper = character.is_uppercase();
    }
    if !word.is_empty() {
        words.push(word);
    }
    // `setPassWord`
    if let Some(at) = words.windows(2).position(|pair| pair[0] == "pass" && pair[1] == "word") {
        words.remove(at + 1);
        words[at].push_str("word");
    }
    words
}

/// Vowel signs and accents that stand behind a letter, as in Hindi and Thai.
fn is_mark(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5bd}' | '\u{64b}'..='\u{65f}' | '\u{900}'..='\u{963}' | '\u{966}'..='\u{eff}')
}
