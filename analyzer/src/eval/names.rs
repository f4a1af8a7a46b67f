//! What names mean at a place: locals first, then what the unit and the program name.

use super::error::{refused, suggestion};
use super::evaluator::{Evaluator, Found, missing};
use super::number;
use super::template_names::spellings;
use super::value::{ExprType, Value};
use crate::dwarf::{DieRef, NameKind, Tag};
use crate::expr::{ExprError, Names, Span, Syntax};
use crate::types::TypeKind;
use crate::value::{
    Context, FrameContext, ValuePlace, local_variables, static_variables, variable_place, variable_type,
};

/// Names that are looked through for one that may have been meant.
const MOST_SUGGESTED: usize = 5000;

/// The locals that a place can see.
pub(super) struct Scope {
    /// With their names, the innermost first.
    locals: Vec<(String, DieRef)>,
}

impl Scope {
    pub(super) fn of(context: Context<'_, '_>, function: usize) -> Scope {
        Scope { locals: local_variables(context, function) }
    }

    fn local(&self, name: &str) -> Option<DieRef> {
        self.locals.iter().find(|(own, _)| own == name).map(|(_, die)| *die)
    }
}

impl Names for Evaluator<'_, '_> {
    fn is_type(&self, name: &str) -> bool {
        // The question is asked of most names that are none. What the place itself calls a variable hides the types of
        // other units, and where a table tells of a variable or function the names of all units need not be read.
        let (view, unit) = (self.context.view, self.context.unit);
        let found = |kind| view.find_at_hand(Some(unit), global_path(name), kind).is_some();
        let is_value = || found(NameKind::Variable) || found(NameKind::Function);
        self.scope.local(name).is_none()
            && (found(NameKind::Type(None)) || !is_value() && self.type_named(name).is_some())
    }

    fn is_value(&self, name: &str) -> bool {
        self.scope.local(name).is_some()
            || self.global(name).is_some()
            || self.function(name).is_some()
            || self.enumerator(name).is_some()
            || matches!(name, "NULL" | "nullptr")
    }
}

impl Evaluator<'_, '_> {
    pub(super) fn named(&mut self, name: &str, span: Span) -> Found {
        if let Some(path) = self.path_of_root(name) {
            return self.named(&path, span);
        }
        if let Some(value) = self.variable(name, span)? {
            // In a lambda clang calls the closure `this`, and its member too that is what the source calls so.
            let captured = (name == "this").then(|| self.member(&value, name, span).ok()).flatten();
            return Ok(captured.unwrap_or(value));
        }
        if let Some(function) = self.function(name) {
            return Ok(function);
        }
        if let Some(enumerator) = self.enumerator(name) {
            return Ok(enumerator);
        }
        if let Some(member) = self.member_of_this(name, span) {
            return Ok(member);
        }
        if let Some(value) = self.in_function(name, span)? {
            return Ok(value);
        }
        if matches!(name, "NULL" | "nullptr") && self.syntax != Syntax::Rust {
            let null = ValuePlace::bytes(0_u64.to_le_bytes());
            return Ok(self.value(ExprType::pointer_to(ExprType::Void), null));
        }
        if self.type_named(name).is_some() {
            return Err(refused(span, format!("{name} is a type; ptype {name} shows it")));
        }
        let unknown = ExprError::unknown(span, format!("nothing here is called {name:?}"));
        if !self.suggests {
            return Err(unknown);
        }
        if let Some(at) = self.context.session.symbol_named(name) {
            return Err(ExprError::unknown(
                span,
                format!("{name} is at {at}, but nothing tells its type: cast it, as in *(int *){at}"),
            ));
        }
        let locals = self.scope.locals.iter().map(|(own, _)| own.as_str());
        let hint = suggestion(name, locals).or_else(|| {
            let others = self.names_of_unit();
            suggestion(name, others.iter().map(String::as_str))
        });
        Err(unknown.with_hint(hint))
    }

    /// The variables and functions that the unit at hand names.
    fn names_of_unit(&self) -> Vec<String> {
        let (view, unit) = (self.context.view, self.context.unit);
        let variables = view.named_of_unit(unit, NameKind::Variable).into_iter();
        let all = variables.chain(view.named_of_unit(unit, NameKind::Function)).take(MOST_SUGGESTED);
        all.filter_map(|die| view.full_path(die).pop()).collect()
    }

    /// Rust's `crate::`, `self::` and `super::` as the path that they mean in the function at hand.
    fn path_of_root(&self, name: &str) -> Option<String> {
        let (root, rest) = name.split_once("::").filter(|_| self.syntax == Syntax::Rust)?;
        let function = self.context.frame?.function?;
        let mut home = self.context.view.full_path(self.context.unit.die(function));
        home.pop();
        match root {
            "crate" => home.truncate(1),
            "self" => {}
            "super" => drop(home.pop()),
            _ => return None,
        }
        home.push(rest.to_owned());
        Some(home.join("::"))
    }

    /// gdb's `function::variable`: a variable of a function that is on the stack, of its innermost frame there, or a
    /// static one of any function; and C++'s `Base::member`.
    fn in_function(&self, name: &str, span: Span) -> Result<Option<Value>, ExprError> {
        let Some((of, last)) = name.rsplit_once("::") else { return Ok(None) };
        let Some(function) = self.find_function(of) else {
            let this = self.variable("this", span)?;
            return this.map(|this| self.member(&this, name, span)).transpose().or(Ok(None));
        };
        if let Some(frame) = self.context.frame {
            for index in 0..frame.frames.len() {
                let Some(pc) = self.context.module.to_svma(frame.frames[index].lookup_address()) else { continue };
                let here = self.context.view.physical_function(pc.0);
                let Some((unit, _)) = here.filter(|(unit, entry)| unit.die(*entry) == function) else { continue };
                let around = FrameContext { index, function: Some(function.offset), ..frame };
                let context = Context { frame: Some(around), unit: &unit, ..self.context };
                let found = local_variables(context, 0).into_iter().find(|(own, _)| own == last);
                if let Some((_, die)) = found {
                    let place = variable_place(context, die).map_err(|absent| missing(span, &absent))?;
                    return Ok(Some(self.value(ExprType::of_entry(variable_type(context, die)), place)));
                }
            }
        }
        let statics = static_variables(self.context.view, function);
        let Some((_, die)) = statics.into_iter().find(|(own, _)| own == last) else { return Ok(None) };
        let place = variable_place(self.context, die).map_err(|absent| missing(span, &absent))?;
        Ok(Some(self.value(ExprType::of_entry(variable_type(self.context, die)), place)))
    }

    fn variable(&self, name: &str, span: Span) -> Result<Option<Value>, ExprError> {
        let Some(die) = self.scope.local(name).or_else(|| self.global(name)) else { return Ok(None) };
        let place = variable_place(self.context, die).map_err(|absent| missing(span, &absent))?;
        Ok(Some(self.value(ExprType::of_entry(variable_type(self.context, die)), place)))
    }

    /// A member of the object whose method the frame runs, which C++ lets one name without `this`.
    fn member_of_this(&self, name: &str, span: Span) -> Option<Value> {
        let this = self.variable("this", span).ok()??;
        let captured = || self.member(&self.member(&this, "this", span).ok()?, name, span).ok();
        self.member(&this, name, span).ok().or_else(captured)
    }

    /// The entry of this name, whichever way its template arguments are spelled, and of a type also where some are left
    /// to their defaults.
    fn find(&self, path: &str, kind: NameKind) -> Option<DieRef> {
        let found = |path: &str| self.context.view.find_named(Some(self.context.unit), path, kind);
        let spelled = found(path).or_else(|| spellings(path).iter().find_map(|path| found(path)));
        spelled.or_else(|| self.with_default_arguments(path, kind))
    }

    fn find_function(&self, name: &str) -> Option<DieRef> {
        match in_file(name) {
            Some((file, path)) => self.context.view.find_in_file(self.context.unit, file, path, NameKind::Function),
            None => self.find(global_path(name), NameKind::Function),
        }
    }

    fn global(&self, name: &str) -> Option<DieRef> {
        if let Some((file, path)) = in_file(name) {
            return self.context.view.find_in_file(self.context.unit, file, path, NameKind::Variable);
        }
        let path = global_path(name);
        self.global_spelled(path).or_else(|| spellings(path).iter().find_map(|path| self.global_spelled(path)))
    }

    fn global_spelled(&self, path: &str) -> Option<DieRef> {
        let (view, unit) = (self.context.view, self.context.unit);
        let own = view.find_in(unit, path, NameKind::Variable);
        // A function of the unit hides what others call a variable; and where a table tells of a function, the names of
        // all units need not be read to learn that it is no variable.
        let is_function = || view.find_at_hand(Some(unit), path, NameKind::Function).is_some();
        let hidden = own.is_none() && view.find_in(unit, path, NameKind::Function).is_some();
        let other = || {
            let known = view.find_at_hand(None, path, NameKind::Variable);
            known.or_else(|| if is_function() { None } else { view.find_named(None, path, NameKind::Variable) })
        };
        own.or_else(|| if hidden { None } else { other() })
    }

    fn function(&self, name: &str) -> Option<Value> {
        let die = self.find_function(name)?;
        let at = self.context.to_avma(self.context.view.entry_address(die)?);
        Some(self.value(ExprType::Program(die), ValuePlace::memory(at)))
    }

    /// `GREEN`, or `Color::Green`.
    fn enumerator(&self, name: &str) -> Option<Value> {
        let path = global_path(name);
        let named = path.rsplit_once("::").and_then(|(of, last)| Some((self.type_named(of)?, last)));
        let in_type = named.and_then(|(of, last)| self.enumerator_of(of, last));
        in_type.or_else(|| {
            let die = self.find(path, NameKind::Enumerator)?;
            let of = self.context.view.enumeration_of(die)?;
            self.enumerator_of(ExprType::Program(of), path.rsplit("::").next()?)
        })
    }

    fn enumerator_of(&self, of: ExprType, name: &str) -> Option<Value> {
        let found = self.described(&of)?;
        let TypeKind::Enumeration(enumeration) = &found.kind else { return None };
        let (_, value) = enumeration.enumerators.iter().find(|(own, _)| own == name)?;
        let size = self.size(&of).unwrap_or(4).clamp(1, 16) as usize;
        Some(self.value(of, ValuePlace::bytes(value.to_le_bytes()[..size].to_vec())))
    }

    /// The type of this name: the program's own before the language's, so that `ptype` of a number's type has one too.
    pub(super) fn type_named(&self, name: &str) -> Option<ExprType> {
        if name == "void" {
            return Some(ExprType::Void);
        }
        let (tag, path) = match name.split_once(' ') {
            Some(("struct" | "class", path)) => (Some(Tag::Struct), path),
            Some(("union", path)) => (Some(Tag::Union), path),
            Some(("enum", path)) => (Some(Tag::Enum), path),
            _ => (None, name),
        };
        if tag.is_none()
            && let Some(number) = number::builtin(path, self.syntax)
        {
            return Some(ExprType::Number(number));
        }
        // C keeps tags apart: `point` alone is no type where only `struct point` was declared.
        let found = self.find(global_path(path), NameKind::Type(tag))?;
        let is_tagged = tag.is_none() && self.syntax == Syntax::C && self.is_record(found);
        (!is_tagged || self.scope.local(path).is_none()).then_some(ExprType::Program(found))
    }

    fn is_record(&self, die: DieRef) -> bool {
        self.record(&ExprType::Program(die)).is_some()
    }
}

/// `::name` without its front.
fn global_path(name: &str) -> &str {
    name.strip_prefix("::").unwrap_or(name)
}

/// gdb's `'file.c'::name`: the file and the name in it.
fn in_file(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix('\'')?.split_once("'::")
}
