//! Colours for dark and for light terminals.

use anstyle::{AnsiColor, Color, Style as Ansi};

use super::style::Role;

/// Which colours there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// None at all.
    #[default]
    None,
    /// For a dark background.
    Dark,
    /// For a light background.
    Light,
}

impl Theme {
    /// All of them by name.
    pub const ALL: [(&'static str, Theme); 3] = [("none", Theme::None), ("dark", Theme::Dark), ("light", Theme::Light)];

    /// The one of this name.
    pub fn named(name: &str) -> Option<Theme> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, theme)| theme)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, theme)| *theme == self).map_or("none", |(name, _)| name)
    }

    /// What the environment says without asking the terminal: NO_COLOR (no-color.org) and a dumb terminal want none,
    /// then DPDB_THEME counts, then COLORFGBG, which rxvt, Konsole and others set. `None` where none of them does.
    pub fn of_environment() -> Option<Theme> {
        let text = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        if text("NO_COLOR").is_some() || text("TERM").is_some_and(|term| term == "dumb") {
            return Some(Theme::None);
        }
        text("DPDB_THEME")
            .and_then(|name| Theme::named(&name))
            .or_else(|| text("COLORFGBG").and_then(|colours| of_colours(&colours)))
    }

    /// How text of a role looks.
    pub(super) fn ansi(self, role: Role) -> Ansi {
        let colour = |dark: AnsiColor, light: AnsiColor| {
            let colour = if self == Theme::Light { light } else { dark };
            Ansi::new().fg_color(Some(Color::Ansi(colour)))
        };
        match role {
            _ if self == Theme::None => Ansi::new(),
            Role::Plain => Ansi::new(),
            Role::Address => colour(AnsiColor::BrightBlue, AnsiColor::Blue),
            // Yellow cannot be read on white.
            Role::Function => colour(AnsiColor::Yellow, AnsiColor::Cyan),
            Role::File | Role::Text => colour(AnsiColor::Green, AnsiColor::Green),
            Role::Strong => Ansi::new().bold(),
            Role::Error => colour(AnsiColor::Red, AnsiColor::Red).bold(),
            Role::Changed => colour(AnsiColor::BrightRed, AnsiColor::Red).bold(),
            Role::Doubt => colour(AnsiColor::Magenta, AnsiColor::Magenta),
            Role::Keyword => colour(AnsiColor::BrightMagenta, AnsiColor::Magenta),
            Role::Number => colour(AnsiColor::Cyan, AnsiColor::Blue),
            Role::Faint | Role::Comment => Ansi::new().dimmed(),
        }
    }
}

/// The theme for COLORFGBG, `FOREGROUND;BACKGROUND` by the numbers of the 16 colours: 7 and from 9 on are light.
fn of_colours(colours: &str) -> Option<Theme> {
    let background: u8 = colours.rsplit(';').next()?.parse().ok()?;
    Some(if background == 7 || background > 8 { Theme::Light } else { Theme::Dark })
}

#[cfg(test)]
mod tests {
    use super::{Theme, of_colours};
    use crate::render::Role;

    #[test]
    fn the_background_decides() {
        assert_eq!(of_colours("15;0"), Some(Theme::Dark));
        assert_eq!(of_colours("0;default;15"), Some(Theme::Light));
        assert_eq!(of_colours("default"), None);
    }

    #[test]
    fn no_theme_has_no_colours_and_light_has_no_yellow() {
        assert_eq!(Theme::None.ansi(Role::Error), anstyle::Style::new());
        assert_ne!(Theme::Light.ansi(Role::Function), Theme::Dark.ansi(Role::Function));
    }
}
