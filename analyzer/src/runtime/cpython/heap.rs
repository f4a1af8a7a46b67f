//! Reading CPython's structures out of a process's memory: fields by name, types and texts.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use dpdb_snapshot::{Avma, Memory};

use super::class::Member;
use super::kinds::Kind;
use super::layout::{Layout, OwnKeys};
use super::pages::Pages;
use super::unreadable::Unreadable;

/// A name or a path that is longer than this is cut.
const LONGEST_NAME: u64 = 4096;
/// A type's name in C.
const LONGEST_TYPE_NAME: usize = 256;

/// `Py_TPFLAGS_*` (Include/object.h).
pub(super) const INLINE_VALUES: u32 = 2;
pub(super) const MANAGED_DICT: u32 = 4;
pub(super) const HEAP_TYPE: u32 = 9;
pub(super) const LONG: u32 = 24;
pub(super) const LIST: u32 = 25;
pub(super) const TUPLE: u32 = 26;
pub(super) const BYTES: u32 = 27;
pub(super) const STR: u32 = 28;
pub(super) const DICT: u32 = 29;
pub(super) const EXCEPTION: u32 = 30;
pub(super) const TYPE: u32 = 31;

/// The objects of one interpreter, under the layout of its version.
pub(super) struct Heap<'a> {
    pub(super) memory: Pages<'a>,
    pub(super) layout: &'a Layout,
    types: RefCell<HashMap<Avma, Option<Rc<TypeFacts>>, OwnKeys>>,
    /// The members of the structures of classes' instances, by the classes.
    pub(super) members: RefCell<HashMap<Avma, Rc<[Member]>, OwnKeys>>,
    /// The kinds of types, by their addresses.
    pub(super) kinds: RefCell<HashMap<Avma, Option<Kind>, OwnKeys>>,
}

/// What a type is, as far as its objects are shown by it.
#[derive(Debug)]
pub(super) struct TypeFacts {
    pub(super) at: Avma,
    /// The qualified name without the module.
    pub(super) name: String,
    /// The module, unless it is `builtins`.
    pub(super) module: Option<String>,
    pub(super) flags: u64,
    /// The name of the built-in type itself: none for types that a program made.
    pub(super) builtin: Option<String>,
}

impl TypeFacts {
    /// Whether a bit of `tp_flags` is set.
    pub(super) fn has(&self, flag: u32) -> bool {
        self.flags >> flag & 1 != 0
    }

    /// `type.__name__`: the last part of the qualified name.
    pub(super) fn simple_name(&self) -> String {
        self.name.rsplit('.').next().unwrap_or_default().to_owned()
    }

    /// The name as Python writes it: `module.Name`, built-in types without a module.
    pub(super) fn full_name(&self) -> String {
        match &self.module {
            Some(module) => format!("{module}.{}", self.name),
            None => self.name.clone(),
        }
    }
}

/// A text as far as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Characters {
    /// Code points; lone surrogates are possible.
    pub(super) points: Vec<u32>,
    /// How many the whole text has.
    pub(super) length: u64,
}

impl Characters {
    pub(super) fn lossy(&self) -> String {
        self.points.iter().map(|&point| char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    }
}

impl<'a> Heap<'a> {
    pub(super) fn new(memory: &'a dyn Memory, layout: &'a Layout) -> Heap<'a> {
        let memory = Pages::new(memory);
        Heap { memory, layout, types: RefCell::default(), members: RefCell::default(), kinds: RefCell::default() }
    }

    /// The address of a field.
    pub(super) fn field(&self, of: Avma, field: &'static str) -> Result<Avma, Unreadable> {
        Ok(of.wrapping_add(self.layout.offset(field)?))
    }

    /// The 64-bit word in a field.
    pub(super) fn word(&self, of: Avma, field: &'static str) -> Result<u64, Unreadable> {
        Ok(self.memory.read_u64(self.field(of, field)?)?)
    }

    /// The pointer in a field; `None` where it is NULL.
    pub(super) fn pointer(&self, of: Avma, field: &'static str) -> Result<Option<Avma>, Unreadable> {
        Ok(Some(Avma(self.word(of, field)?)).filter(|at| at.0 != 0))
    }

    /// The pointer in a field that cannot be NULL.
    pub(super) fn object(&self, of: Avma, field: &'static str) -> Result<Avma, Unreadable> {
        self.pointer(of, field)?.ok_or(Unreadable::Null(field))
    }

    /// The `int` in a field.
    pub(super) fn int(&self, of: Avma, field: &'static str) -> Result<i32, Unreadable> {
        Ok(i32::from_le_bytes(self.bytes(self.field(of, field)?)?))
    }

    /// The byte in a field.
    pub(super) fn byte(&self, of: Avma, field: &'static str) -> Result<u8, Unreadable> {
        let [byte] = self.bytes(self.field(of, field)?)?;
        Ok(byte)
    }

    /// A bit field.
    pub(super) fn bits(&self, of: Avma, field: &'static str) -> Result<u32, Unreadable> {
        let (offset, low, width) = self.layout.bits(field)?;
        let word = u32::from_le_bytes(self.bytes(of.wrapping_add(offset))?);
        Ok(word >> low & ((1 << width) - 1))
    }

    pub(super) fn bytes<const N: usize>(&self, at: Avma) -> Result<[u8; N], Unreadable> {
        let mut bytes = [0; N];
        self.memory.read(at, &mut bytes)?;
        Ok(bytes)
    }

    /// So many bytes, which the caller has bounded.
    pub(super) fn read(&self, at: Avma, length: u64) -> Result<Vec<u8>, Unreadable> {
        let mut bytes = vec![0; length as usize];
        self.memory.read(at, &mut bytes)?;
        Ok(bytes)
    }

    /// Words that stand side by side.
    pub(super) fn words(&self, at: Avma, count: u64) -> Result<Vec<u64>, Unreadable> {
        let bytes = self.read(at, count * 8)?;
        Ok(bytes.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().expect("chunks of eight"))).collect())
    }

    /// The type of an object.
    pub(super) fn type_of(&self, object: Avma) -> Result<Rc<TypeFacts>, Unreadable> {
        let at = self.object(object, "PyObject.ob_type")?;
        self.class(at).map_err(|error| match error {
            Unreadable::Memory(_) => Unreadable::NotA { expected: "Python object", at: object },
            error => error,
        })
    }

    /// What the type object at `at` says.
    pub(super) fn class(&self, at: Avma) -> Result<Rc<TypeFacts>, Unreadable> {
        if let Some(known) = self.types.borrow().get(&at) {
            return known.clone().ok_or(Unreadable::NotA { expected: "type", at });
        }
        let facts = self.read_type(at).map(Rc::new);
        self.types.borrow_mut().insert(at, facts.as_ref().ok().cloned());
        facts
    }

    /// The same, checked by the type of the type, which must be one, too.
    fn read_type(&self, at: Avma) -> Result<TypeFacts, Unreadable> {
        let meta = self.object(at, "PyObject.ob_type")?;
        if self.word(meta, "PyTypeObject.tp_flags")? >> TYPE & 1 == 0 {
            return Err(Unreadable::NotA { expected: "type", at });
        }
        let flags = self.word(at, "PyTypeObject.tp_flags")?;
        if flags >> HEAP_TYPE & 1 != 0 {
            let name = self.name(self.object(at, "PyHeapTypeObject.ht_qualname")?)?;
            let module = self.module_of(at).filter(|module| module != "builtins");
            return Ok(TypeFacts { at, name, module, flags, builtin: None });
        }
        let full = self.tp_name(at)?;
        let (module, name) = match full.rsplit_once('.') {
            Some((module, name)) => (Some(module.to_owned()), name.to_owned()),
            None => (None, full.clone()),
        };
        Ok(TypeFacts { at, name, module: module.filter(|module| module != "builtins"), flags, builtin: Some(full) })
    }

    /// The name that a type has in C: types made by Python code have their plain name there, others often one with a
    /// module.
    pub(super) fn tp_name(&self, at: Avma) -> Result<String, Unreadable> {
        let (name, _) = self.memory.read_c_string(self.object(at, "PyTypeObject.tp_name")?, LONGEST_TYPE_NAME)?;
        Ok(String::from_utf8_lossy(&name).into_owned())
    }

    fn module_of(&self, of: Avma) -> Option<String> {
        let dict = self.pointer(of, "PyTypeObject.tp_dict").ok()??;
        self.name(self.dict_get(dict, "__module__")?).ok()
    }

    /// Fails unless the object's type is this built-in one.
    pub(super) fn expect(&self, object: Avma, builtin: &'static str) -> Result<(), Unreadable> {
        let found = self.type_of(object)?;
        if found.builtin.as_deref() == Some(builtin) {
            return Ok(());
        }
        Err(Unreadable::NotA { expected: builtin, at: object })
    }

    /// Fails unless the object's type is this built-in one, or derived from it.
    pub(super) fn expect_subtype(&self, object: Avma, builtin: &'static str) -> Result<(), Unreadable> {
        let found = self.type_of(object)?;
        if self.derives_from(found.at, builtin) {
            return Ok(());
        }
        Err(Unreadable::NotA { expected: builtin, at: object })
    }

    /// A `str` that is a name or a path; what cannot be text is replaced.
    pub(super) fn name(&self, object: Avma) -> Result<String, Unreadable> {
        self.expect(object, "str")?;
        Ok(self.characters(object, LONGEST_NAME)?.lossy())
    }

    /// The text of a `str`, at most `limit` characters of it (PEP 393).
    pub(super) fn characters(&self, object: Avma, limit: u64) -> Result<Characters, Unreadable> {
        let length = self.word(object, "PyASCIIObject.length")?;
        let damaged = || Unreadable::Damaged { what: "str object", at: object };
        let width = u64::from(self.bits(object, "PyASCIIObject.state.kind")?);
        let compact = self.bits(object, "PyASCIIObject.state.compact")? != 0;
        let ascii = self.bits(object, "PyASCIIObject.state.ascii")? != 0;
        let (data, width, length) = match (compact, ascii) {
            (true, true) => (self.field(object, "PyASCIIObject.sizeof")?, 1, length),
            (true, false) => (self.field(object, "PyCompactUnicodeObject.sizeof")?, width, length),
            // Up to 3.11 a string made by the old API has its text as wchar_t only, until somebody asks for it.
            (false, _) if width == 0 => (
                self.object(object, "PyASCIIObject.wstr")?,
                4,
                self.word(object, "PyCompactUnicodeObject.wstr_length")?,
            ),
            (false, _) => (self.object(object, "PyUnicodeObject.data.any")?, width, length),
        };
        if !matches!(width, 1 | 2 | 4) || length >= 1 << 48 {
            return Err(damaged());
        }
        let bytes = self.read(data, length.min(limit) * width)?;
        let points = match width {
            1 => bytes.into_iter().map(u32::from).collect(),
            2 => bytes.chunks_exact(2).map(|pair| u32::from(u16::from_le_bytes([pair[0], pair[1]]))).collect(),
            _ => bytes.chunks_exact(4).map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect(),
        };
        Ok(Characters { points, length })
    }

    /// The bytes of a `bytes` object, at most `limit` of them, and how many it has.
    pub(super) fn byte_string(&self, object: Avma, limit: u64) -> Result<(Vec<u8>, u64), Unreadable> {
        let length = self.word(object, "PyVarObject.ob_size")?;
        if length >= 1 << 48 {
            return Err(Unreadable::Damaged { what: "bytes object", at: object });
        }
        Ok((self.read(self.field(object, "PyBytesObject.ob_sval")?, length.min(limit))?, length))
    }
}
