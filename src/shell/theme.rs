//! Which colours there are: what somebody set, else what the environment says, else what the terminal says.

use std::io::{self, IsTerminal};
use std::time::Duration;

use terminal_colorsaurus::{QueryOptions, ThemeMode, theme_mode};

use super::Shell;
use crate::render::{Style, Theme};

/// A terminal answers within a round trip, which over a slow line may take this long.
const PATIENCE: Duration = Duration::from_millis(150);

impl Shell {
    /// Chooses colours; none means those that the environment and the terminal ask for.
    pub(super) fn set_theme(&mut self, theme: Option<Theme>) {
        self.options.theme = theme;
        let of = |style: &Style, is_terminal: bool| match theme {
            Some(theme) if is_terminal => style.with_theme(theme),
            _ => Style::for_stream(is_terminal),
        };
        self.style = of(&self.style, io::stdout().is_terminal());
        self.error_style = of(&self.error_style, io::stderr().is_terminal());
        if theme.is_none() && self.output.pages {
            self.ask_for_theme();
        }
    }

    /// Asks the terminal for its background (OSC 11), unless the environment says already which colours there are. One
    /// that does not answer is taken for dark.
    pub(super) fn ask_for_theme(&mut self) {
        if Theme::of_environment().is_some() {
            return;
        }
        let mut question = QueryOptions::default();
        question.timeout = PATIENCE;
        let theme = match theme_mode(question) {
            Ok(ThemeMode::Light) => Theme::Light,
            Ok(ThemeMode::Dark) | Err(_) => Theme::Dark,
        };
        for style in [&mut self.style, &mut self.error_style] {
            // A stream without colours goes to no terminal.
            if style.theme() != Theme::None {
                *style = style.with_theme(theme);
            }
        }
    }
}
