//! What a stand-in answers instead of its default, as a test tells it.

use std::collections::VecDeque;

use serde_json::Value;

use super::http::Answer;

type Condition = Box<dyn Fn(&Value) -> bool + Send>;

struct Rule {
    operation: String,
    condition: Condition,
    answers: VecDeque<Answer>,
    forever: Option<Answer>,
}

/// Rules in the order they were given; the first that has an answer is used.
#[derive(Default)]
pub struct Script {
    rules: Vec<Rule>,
}

impl Script {
    /// These answers, one for each coming request, then the default again.
    pub fn next(&mut self, operation: &str, answers: impl IntoIterator<Item = Answer>) {
        self.next_where(operation, |_| true, answers);
    }

    pub fn next_where(
        &mut self,
        operation: &str,
        condition: impl Fn(&Value) -> bool + Send + 'static,
        answers: impl IntoIterator<Item = Answer>,
    ) {
        self.rules.push(Rule {
            operation: operation.to_owned(),
            condition: Box::new(condition),
            answers: answers.into_iter().collect(),
            forever: None,
        });
    }

    /// This answer for every request whose body fulfils the condition.
    pub fn always_where(
        &mut self,
        operation: &str,
        condition: impl Fn(&Value) -> bool + Send + 'static,
        answer: Answer,
    ) {
        self.rules.push(Rule {
            operation: operation.to_owned(),
            condition: Box::new(condition),
            answers: VecDeque::new(),
            forever: Some(answer),
        });
    }

    /// The scripted answer for this request, if there is one.
    pub fn answer(&mut self, operation: &str, body: &Value) -> Option<Answer> {
        self.rules
            .iter_mut()
            .filter(|rule| rule.operation == operation && (rule.condition)(body))
            .find_map(|rule| rule.answers.pop_front().or_else(|| rule.forever.clone()))
    }
}
