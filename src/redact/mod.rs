//! Redaction: replaces sensitive content with a mark that says what it was.
//!
//! One pass over the text finds everything (`scan`). It looks closer only at certain bytes: is
//! there a name before this `=` or `:` (`pairs`, `names`, `values`), a token of known form
//! (`tokens`), an address (`addresses`), a number (`numbers`)? JSON is redacted string by string
//! and stays JSON (`json`). The code is written by hand instead of as a list of regular
//! expressions: nothing is compiled at start, the time is linear, and checksums and context can
//! decide.

mod addresses;
mod beside;
mod commands;
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

/// A removal can uncover another one, for example if a card number is next to a key. Each pass
/// removes more, and no real line needs this many passes.
const MOST_PASSES: usize = 16;

/// Removes sensitive content.
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
    /// Makes a redactor. Only the user's own patterns cost time.
    ///
    /// # Errors
    /// Every pattern that cannot be used, with its name and what to change.
    pub fn new(settings: &Settings) -> Result<Self, Vec<PatternError>> {
        let patterns = settings::compile(&settings.patterns)?;
        Ok(Self { categories: bits(settings), patterns })
    }

    /// The text without sensitive content. A JSON object, array or string stays one, with the same
    /// keys, numbers and layout; only the content of strings changes. JSON after other text, and
    /// JSON inside a JSON string, is also read as JSON. Redacting twice gives the same result as
    /// once.
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

    /// Redacts a text in place.
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
