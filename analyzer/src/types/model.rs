//! What a type is, without a reference into the file that says so.

use crate::dwarf::DieRef;

/// A type as one entry of the debugging information describes it. The types it is made of are named by their
/// entries, and read when they are asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Type {
    /// Its name as the source has it, with the namespaces around it.
    pub(crate) name: Option<String>,
    /// Its size in bytes, where that is a constant.
    pub(crate) size: Option<u64>,
    pub(crate) kind: TypeKind,
}

/// The type of an entry; `None` is C's `void`.
pub(crate) type TypeRef = Option<DieRef>;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TypeKind {
    Base(Base),
    Pointer(TypeRef),
    Reference {
        to: TypeRef,
        /// C++'s `&&`.
        rvalue: bool,
    },
    /// To a member of `class`.
    MemberPointer {
        class: TypeRef,
        to: TypeRef,
    },
    Record(Record),
    Enumeration(Enumeration),
    Array(Array),
    Function(TypeRef),
    /// Another name for a type: `typedef`, C++'s `using`.
    Alias(TypeRef),
    /// `const`, `volatile`, `restrict`, `_Atomic`, and what else changes no value.
    Qualified(Qualifier, TypeRef),
    /// A type without a description, such as `decltype(nullptr)`.
    Unspecified,
    /// An entry that is no type that is known here.
    Unknown(gimli::DwTag),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Qualifier {
    Const,
    Volatile,
    Restrict,
    Atomic,
    Other,
}

/// A type of numbers or characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Base {
    pub(crate) encoding: gimli::DwAte,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordKind {
    Struct,
    Class,
    Union,
}

/// A structure, class or union.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    pub(crate) kind: RecordKind,
    /// Only its name is known here; its members may be described elsewhere.
    pub(crate) declaration: bool,
    /// Members and bases in the order of the debugging information. Static members are not among them.
    pub(crate) fields: Vec<Field>,
    /// Rust's enums: which of several members is alive.
    pub(crate) variants: Option<VariantPart>,
    /// C++: where the entry of the class is that declares the vtable pointer (`DW_AT_containing_type`).
    pub(crate) polymorphic: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldKind {
    Member,
    Base,
    /// A base class whose place only the vtable knows.
    VirtualBase,
    /// The pointer to the vtable.
    VtablePointer,
}

/// A member or base class.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    pub(crate) kind: FieldKind,
    pub(crate) name: Option<String>,
    pub(crate) of: TypeRef,
    pub(crate) place: FieldPlace,
    /// Only for bit-fields: how many bits it has.
    pub(crate) bits: Option<u64>,
    /// The compiler made it.
    pub(crate) artificial: bool,
}

/// Where a member is inside its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FieldPlace {
    /// So many bits behind the record's first one (of the least significant bit, on a little-endian machine).
    Bits(u64),
    /// Where this DWARF expression says, given the record's address: a virtual base, or a member behind an array of
    /// variable length.
    Expression(Vec<u8>),
}

/// The members of which one is alive (`DW_TAG_variant_part`).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct VariantPart {
    /// What tells which; `None` where there is one variant only.
    pub(crate) discriminant: Option<Field>,
    pub(crate) variants: Vec<Variant>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Variant {
    /// The discriminant values that mean it; none for the one that all others mean.
    pub(crate) values: Vec<(i128, i128)>,
    pub(crate) field: Field,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Enumeration {
    pub(crate) of: TypeRef,
    pub(crate) signed: bool,
    pub(crate) enumerators: Vec<(String, i128)>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Array {
    pub(crate) element: TypeRef,
    /// From the outermost to the innermost.
    pub(crate) dimensions: Vec<Dimension>,
    /// A vector register's contents (`DW_AT_GNU_vector`).
    pub(crate) vector: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dimension {
    pub(crate) count: Count,
}

/// How many elements a dimension has.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Count {
    /// A flexible array member, or an array declared elsewhere.
    Unknown,
    Constant(u64),
    /// This bound, to be found when the array is looked at, and how much is to be added to it.
    Variable(Bound, i64),
}

/// A number that is only known in a frame.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Bound {
    /// The value of this variable.
    Variable(DieRef),
    /// What this DWARF expression gives.
    Expression(Vec<u8>),
    /// What the location list at this offset gives at the frame's pc.
    LocationList(usize),
}
