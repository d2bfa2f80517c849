//! Redaction: what must not leave is replaced by a mark that says what it was.
//!
//! One pass over the text finds everything (`scan`), asking at a few telling bytes: is
//! there a name before this `=` or `:` (`pairs`, `names`, `values`), a token of known form
//! (`tokens`), an address (`addresses`), a number (`numbers`)? JSON is redacted string by
//! string and stays JSON (`json`). Hand-written rather than a list of regular expressions:
//! nothing is compiled at start, the time is linear, and checksums and context decide.

mod addresses;
mod json;
mod mark;
mod names;
mod numbers;
mod pairs;
mod scan;
mod settings;
mod tokens;
mod values;

use std::borrow::Cow;

pub use settings::{Category, Pattern, PatternError, Settings};

use scan::Around;
use settings::Compiled;

/// A removal may uncover another, as when a card number stood against a key; each pass
/// removes more, and this many are more than any real line needs.
const MOST_PASSES: usize = 16;

/// Removes what must not leave.
#[derive(Debug, Clone)]
pub struct Redactor {
    categories: u16,
    patterns: Vec<Compiled>,
}

impl Default for Redactor {
    fn default() -> Self {
        Self { categories: bits(&Settings::default()), patterns: Vec::new() }
    }
}

fn bits(settings: &Settings) -> u16 {
    settings.categories.iter().fold(0, |bits, category| bits | category.bit())
}

impl Redactor {
    /// Makes a redactor; costs nothing but the user's own patterns.
    ///
    /// # Errors
    /// All patterns that cannot be used, each with its name and what to change.
    pub fn new(settings: &Settings) -> Result<Self, Vec<PatternError>> {
        let patterns = settings::compile(&settings.patterns)?;
        Ok(Self { categories: bits(settings), patterns })
    }

    /// The text without what must not leave. A JSON object, array or string stays one,
    /// with the same keys, numbers and layout; only the content of strings changes. JSON
    /// that follows a text, and JSON in a string of JSON, are read as JSON too. Redacting
    /// twice is the same as once.
    #[must_use]
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut current = Cow::Borrowed(text);
        for _ in 0..MOST_PASSES {
            let around = around(&current);
            match scan::pass(self, &current, around) {
                Cow::Borrowed(_) => break,
                Cow::Owned(redacted) => current = Cow::Owned(redacted),
            }
        }
        current
    }

    /// Redacts a text in its place.
    pub fn replace(&self, text: &mut String) {
        if let Cow::Owned(redacted) = self.text(text) {
            *text = redacted;
        }
    }

    fn is_on(&self, category: Category) -> bool {
        self.categories & category.bit() != 0
    }
}

fn around(text: &str) -> Around {
    Around { access_key: tokens::has_access_key(text), depth: 0 }
}
