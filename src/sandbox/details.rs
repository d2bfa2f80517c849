//! The details of an event as PagerDuty is known to show them: keys A–Z, a list as a row an entry, an
//! object one level deep as a small table, line breaks inside a text suppressed, no monospaced font.

use maud::{Markup, html};
use serde_json::{Map, Value};

use crate::text::ERROR_MARK;

/// Where the mark of the line that failed is searched: behind its time.
const MARKED: usize = 40;

/// The table of all details.
pub(super) fn details(details: &Map<String, Value>) -> Markup {
    // Sorted here too: the map keeps the order of arrival if any crate enables `preserve_order` in
    // serde_json.
    let mut rows: Vec<(&String, &Value)> = details.iter().collect();
    rows.sort_by_key(|(key, _)| *key);
    html! {
        @if rows.is_empty() {
            p.none { "This event has no details." }
        } @else {
            // The roles keep it a table when the narrow layout changes `display`.
            table role="table" aria-labelledby="details" {
                tbody role="rowgroup" {
                    @for (key, value) in rows {
                        tr role="row" {
                            th role="rowheader" scope="row" { (key) }
                            td role="cell" { (shown(value)) }
                        }
                    }
                }
            }
        }
    }
}

fn shown(value: &Value) -> Markup {
    match value {
        Value::Array(list) if list.iter().all(|entry| !entry.is_array()) => html! {
            ul.entries {
                @for entry in list {
                    @let text = text(entry);
                    li class=[is_marked(&text).then_some("error")] { (text) }
                }
            }
        },
        Value::Object(object) => html! {
            dl.pairs {
                @for (name, value) in object { div { dt { (name) } dd { (text(value)) } } }
            }
        },
        value => html! { (text(value)) },
    }
}

/// Text as it is, anything deeper as one line of JSON.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn is_marked(text: &str) -> bool {
    text[..text.floor_char_boundary(MARKED)].contains(&format!("  {ERROR_MARK}"))
}
