//! `display`: expressions that are shown again in each frame and thread that is selected.

use serde::Serialize;

use super::value_limits::Show;
use super::values::Printed;
use super::{CommandError, Engine, Reply};

/// An expression that is shown again and again.
#[derive(Clone, Debug)]
pub struct Display {
    number: usize,
    expression: String,
    show: Show,
}

/// What a displayed expression gave.
#[derive(Debug, Serialize)]
pub struct Displayed {
    /// The number that `undisplay` takes.
    pub number: usize,
    /// The expression.
    pub expression: String,
    /// Its value, if it has one here.
    pub value: Option<Printed>,
    /// Why it has none.
    pub error: Option<String>,
}

/// The displayed expressions and their values.
#[derive(Debug, Serialize)]
pub struct Displays {
    /// In the order in which they were asked for.
    pub displays: Vec<Displayed>,
}

/// More than these at each step are a mistake.
const MOST: usize = 100;

impl Engine {
    /// Shows an expression now and whenever another frame or thread is selected; without one, all of them.
    ///
    /// # Errors
    /// There are too many, or the expression makes no sense at all.
    pub fn display(&mut self, expression: &str, show: Show) -> Result<Reply, CommandError> {
        if expression.is_empty() {
            return Ok(Reply::Displays(Displays { displays: self.displayed() }));
        }
        if self.displays.len() >= MOST {
            return Err(CommandError::refused(format!("{MOST} expressions are displayed already")));
        }
        let value = self.peek(expression, show)?;
        let number = self.displays.last().map_or(1, |last| last.number + 1);
        self.displays.push(Display { number, expression: expression.to_owned(), show });
        let shown = Displayed { number, expression: expression.to_owned(), value: Some(value), error: None };
        Ok(Reply::Displays(Displays { displays: vec![shown] }))
    }

    /// Takes one back by its number or expression, or all of them.
    ///
    /// # Errors
    /// There is no such one.
    pub fn undisplay(&mut self, which: &str) -> Result<Reply, CommandError> {
        let before = self.displays.len();
        match which {
            "" | "*" => self.displays.clear(),
            which => self.displays.retain(|one| one.number.to_string() != which && one.expression != which),
        }
        if self.displays.len() == before && !matches!(which, "" | "*") {
            return Err(CommandError::refused(format!("nothing is displayed as '{which}'; 'display' lists them")));
        }
        Ok(Reply::Displays(Displays { displays: self.displayed() }))
    }

    /// The displayed expressions in the selected frame.
    pub(super) fn displayed(&mut self) -> Vec<Displayed> {
        let all = self.displays.clone();
        let shown = all.into_iter().map(|Display { number, expression, show }| match self.peek(&expression, show) {
            Ok(value) => Displayed { number, expression, value: Some(value), error: None },
            Err(CommandError::Expression(text)) => {
                let sentence = text.lines().last().unwrap_or_default().to_owned();
                Displayed { number, expression, value: None, error: Some(sentence) }
            }
            Err(error) => Displayed { number, expression, value: None, error: Some(error.to_string()) },
        });
        shown.collect()
    }
}
