//! Type entries (DWARF 5, chapter 5) into [`Type`]s.

use gimli::{AttributeValue, constants as dw};

use super::model::{
    Array, Base, Bound, Count, Dimension, Enumeration, Field, FieldKind, FieldPlace, Qualifier, Record, RecordKind,
    Type, TypeKind, TypeRef, Variant, VariantPart,
};
use crate::dwarf::{DieRef, Slice, Unit, View};

/// Members that one record may have; what follows is left out.
const MOST_FIELDS: usize = 10_000;
/// Enumerators that one enumeration may have.
const MOST_ENUMERATORS: usize = 100_000;
/// Dimensions that one array may have.
const MOST_DIMENSIONS: usize = 32;

pub(super) type Entry<'a> = gimli::DebuggingInformationEntry<Slice<'a>>;

/// Reads the entry at `die` as a type; `None` where nothing can be read there.
pub(super) fn read(view: &View<'_>, die: DieRef) -> Option<Type> {
    let unit = view.unit(die.unit)?;
    let entry = unit.unit.entry(die.offset).ok()?;
    if let Some(described) = described_at(view, &unit, &entry, die) {
        return super::read(view, described).map(|found| Type::clone(&found));
    }
    let reader = Reader { view, unit: &unit };
    let of = || reader.type_of(&entry);
    let kind = match entry.tag() {
        dw::DW_TAG_base_type => TypeKind::Base(Base { encoding: encoding(&entry) }),
        dw::DW_TAG_pointer_type => TypeKind::Pointer(of()),
        tag @ (dw::DW_TAG_reference_type | dw::DW_TAG_rvalue_reference_type) => {
            TypeKind::Reference { to: of(), rvalue: tag == dw::DW_TAG_rvalue_reference_type }
        }
        dw::DW_TAG_ptr_to_member_type => {
            let class = entry.attr_value(dw::DW_AT_containing_type);
            TypeKind::MemberPointer { class: class.and_then(|class| view.follow(&unit, &class)), to: of() }
        }
        dw::DW_TAG_structure_type => TypeKind::Record(reader.record(&entry, RecordKind::Struct)),
        dw::DW_TAG_class_type => TypeKind::Record(reader.record(&entry, RecordKind::Class)),
        dw::DW_TAG_union_type => TypeKind::Record(reader.record(&entry, RecordKind::Union)),
        dw::DW_TAG_enumeration_type => TypeKind::Enumeration(reader.enumeration(&entry)),
        dw::DW_TAG_array_type => TypeKind::Array(reader.array(&entry)),
        // A function's own entry says what its type is, too.
        dw::DW_TAG_subroutine_type | dw::DW_TAG_subprogram => TypeKind::Function(of()),
        dw::DW_TAG_typedef | dw::DW_TAG_template_alias => TypeKind::Alias(of()),
        dw::DW_TAG_const_type => TypeKind::Qualified(Qualifier::Const, of()),
        dw::DW_TAG_volatile_type => TypeKind::Qualified(Qualifier::Volatile, of()),
        dw::DW_TAG_restrict_type => TypeKind::Qualified(Qualifier::Restrict, of()),
        dw::DW_TAG_atomic_type => TypeKind::Qualified(Qualifier::Atomic, of()),
        dw::DW_TAG_immutable_type | dw::DW_TAG_packed_type | dw::DW_TAG_shared_type => {
            TypeKind::Qualified(Qualifier::Other, of())
        }
        dw::DW_TAG_unspecified_type => TypeKind::Unspecified,
        tag => TypeKind::Unknown(tag),
    };
    let size = entry.attr_value(dw::DW_AT_byte_size).and_then(|value| value.udata_value());
    Some(Type { name: reader.name(&entry), size, kind })
}

/// Where a type is described that has a unit of its own, and of which the entry only has the signature of that unit.
pub(super) fn of_signature(view: &View<'_>, die: DieRef) -> Option<DieRef> {
    let unit = view.unit(die.unit)?;
    let entry = unit.unit.entry(die.offset).ok()?;
    described_at(view, &unit, &entry, die)
}

fn described_at<'a>(view: &View<'a>, unit: &Unit<'a>, entry: &Entry<'a>, die: DieRef) -> Option<DieRef> {
    let elsewhere = view.follow(unit, &entry.attr_value(dw::DW_AT_signature)?)?;
    (elsewhere != die).then_some(elsewhere)
}

fn encoding(entry: &Entry<'_>) -> gimli::DwAte {
    match entry.attr_value(dw::DW_AT_encoding) {
        Some(AttributeValue::Encoding(encoding)) => encoding,
        _ => dw::DW_ATE_unsigned,
    }
}

/// Parameters that one function may have.
const MOST_PARAMETERS: usize = 1000;

/// The types of a function's parameters, and whether it takes more (`...`).
pub(super) fn parameters(view: &View<'_>, die: DieRef) -> Option<(Vec<TypeRef>, bool)> {
    let unit = view.unit(die.unit)?;
    let entry = unit.unit.entry(die.offset).ok()?;
    let reader = Reader { view, unit: &unit };
    let (mut found, mut more) = (Vec::new(), false);
    reader.children(&entry, |child| {
        match child.tag() {
            dw::DW_TAG_formal_parameter => found.push(reader.type_of(child).or_else(|| reader.type_of_origin(child))),
            dw::DW_TAG_unspecified_parameters => more = true,
            _ => {}
        }
        found.len() < MOST_PARAMETERS
    });
    Some((found, more))
}

/// Whether the function's entry says that C would check its parameters (`DW_AT_prototyped`).
pub(super) fn is_prototyped(view: &View<'_>, die: DieRef) -> bool {
    let unit = view.unit(die.unit);
    let entry = unit.as_ref().and_then(|unit| unit.unit.entry(die.offset).ok());
    entry.is_some_and(|entry| flag(&entry, dw::DW_AT_prototyped))
}

pub(super) struct Reader<'v, 'a> {
    pub(super) view: &'v View<'a>,
    pub(super) unit: &'v Unit<'a>,
}

impl<'a> Reader<'_, 'a> {
    pub(super) fn name(&self, entry: &Entry<'a>) -> Option<String> {
        self.unit.string(entry.attr_value(dw::DW_AT_name)?)
    }

    pub(super) fn type_of(&self, entry: &Entry<'a>) -> TypeRef {
        self.view.follow(self.unit, &entry.attr_value(dw::DW_AT_type)?)
    }

    /// The type that an instance leaves to its origin to tell.
    fn type_of_origin(&self, entry: &Entry<'a>) -> TypeRef {
        let origin = self.view.follow(self.unit, &entry.attr_value(dw::DW_AT_abstract_origin)?)?;
        let unit = self.view.unit(origin.unit)?;
        let entry = unit.unit.entry(origin.offset).ok()?;
        self.view.follow(&unit, &entry.attr_value(dw::DW_AT_type)?)
    }

    pub(super) fn children(&self, entry: &Entry<'a>, mut each: impl FnMut(&Entry<'a>) -> bool) {
        if !entry.has_children() {
            return;
        }
        let Ok(mut tree) = self.unit.unit.entries_tree(Some(entry.offset())) else { return };
        let Ok(root) = tree.root() else { return };
        let mut children = root.children();
        while let Ok(Some(child)) = children.next() {
            if !each(child.entry()) {
                return;
            }
        }
    }

    fn record(&self, entry: &Entry<'a>, kind: RecordKind) -> Record {
        let mut record = Record {
            kind,
            declaration: flag(entry, dw::DW_AT_declaration),
            fields: Vec::new(),
            variants: None,
            polymorphic: entry.has_attr(dw::DW_AT_containing_type),
        };
        self.children(entry, |child| {
            match child.tag() {
                dw::DW_TAG_member | dw::DW_TAG_inheritance => record.fields.extend(self.field(child)),
                dw::DW_TAG_variant_part if record.variants.is_none() => {
                    record.variants = Some(self.variant_part(child));
                }
                _ => {}
            }
            record.fields.len() < MOST_FIELDS
        });
        record
    }

    /// A member or base; `None` for static members (DWARF 5 writes those as variables, older ones as members that
    /// are external or declarations).
    fn field(&self, entry: &Entry<'a>) -> Option<Field> {
        if flag(entry, dw::DW_AT_external) || flag(entry, dw::DW_AT_declaration) {
            return None;
        }
        let name = self.name(entry);
        let kind = match entry.tag() {
            dw::DW_TAG_inheritance if is_virtual(entry) => FieldKind::VirtualBase,
            dw::DW_TAG_inheritance => FieldKind::Base,
            _ if name.as_deref().is_some_and(|name| name.starts_with("_vptr")) => FieldKind::VtablePointer,
            _ => FieldKind::Member,
        };
        let bits = number(entry, dw::DW_AT_bit_size);
        let place = self.place(entry, bits);
        let artificial = flag(entry, dw::DW_AT_artificial);
        Some(Field { kind, name, of: self.type_of(entry), place, bits, artificial })
    }

    fn place(&self, entry: &Entry<'a>, bits: Option<u64>) -> FieldPlace {
        let bytes = match entry.attr_value(dw::DW_AT_data_member_location) {
            Some(AttributeValue::Exprloc(expression)) => match self.constant_offset(expression) {
                Some(offset) => offset,
                None => return FieldPlace::Expression(expression.0.slice().to_vec()),
            },
            Some(value) => value.udata_value().unwrap_or(0),
            None => 0,
        };
        let start = bytes.saturating_mul(8);
        if let Some(offset) = number(entry, dw::DW_AT_data_bit_offset) {
            return FieldPlace::Bits(start.saturating_add(offset));
        }
        let (Some(bits), Some(offset)) = (bits, signed(entry, dw::DW_AT_bit_offset)) else {
            return FieldPlace::Bits(start);
        };
        // DWARF 2 and 3 count from the most significant bit of a storage unit of DW_AT_byte_size bytes (or of the
        // size of the member's type), from its other end on a little-endian machine.
        let unit = number(entry, dw::DW_AT_byte_size).or_else(|| self.size_of(self.type_of(entry)));
        let end = unit.unwrap_or(4).saturating_mul(8) as i64 - offset - bits as i64;
        FieldPlace::Bits(start.saturating_add_signed(end))
    }

    /// The offset that an expression always adds: DWARF 2 knows no other way to write where a member is.
    fn constant_offset(&self, expression: gimli::Expression<Slice<'a>>) -> Option<u64> {
        let mut operations = expression.operations(self.unit.unit.encoding());
        match (operations.next(), operations.next()) {
            (Ok(Some(gimli::Operation::PlusConstant { value })), Ok(None)) => Some(value),
            _ => None,
        }
    }

    fn size_of(&self, of: TypeRef) -> Option<u64> {
        super::size(self.view, of, 0)
    }

    fn variant_part(&self, entry: &Entry<'a>) -> VariantPart {
        let discriminant = entry.attr_value(dw::DW_AT_discr).and_then(|value| self.view.follow(self.unit, &value));
        let mut part = VariantPart { discriminant: None, variants: Vec::new() };
        self.children(entry, |child| {
            match child.tag() {
                dw::DW_TAG_member if Some(self.unit.die(child.offset())) == discriminant => {
                    part.discriminant = self.field(child);
                }
                dw::DW_TAG_variant => part.variants.extend(self.variant(child)),
                _ => {}
            }
            part.variants.len() < MOST_FIELDS
        });
        part
    }

    fn variant(&self, entry: &Entry<'a>) -> Option<Variant> {
        let mut values = Vec::new();
        if let Some(value) = entry.attr(dw::DW_AT_discr_value).and_then(constant) {
            values.push((value, value));
        }
        if let Some(AttributeValue::Block(list)) = entry.attr_value(dw::DW_AT_discr_list) {
            values.extend(discriminant_list(list));
        }
        let mut field = None;
        self.children(entry, |child| {
            if child.tag() == dw::DW_TAG_member {
                field = self.field(child);
            }
            field.is_none()
        });
        Some(Variant { values, field: field? })
    }

    fn enumeration(&self, entry: &Entry<'a>) -> Enumeration {
        let mut enumerators = Vec::new();
        self.children(entry, |child| {
            let value = child.attr(dw::DW_AT_const_value).and_then(constant);
            if let (dw::DW_TAG_enumerator, Some(name), Some(value)) = (child.tag(), self.name(child), value) {
                enumerators.push((name, value));
            }
            enumerators.len() < MOST_ENUMERATORS
        });
        // gcc and C++ name the underlying type; C before DWARF 4 does not, and then a negative enumerator is the sign.
        let of = self.type_of(entry);
        let signed = match of.and_then(|of| super::base_encoding(self.view, of)) {
            Some(encoding) => encoding == dw::DW_ATE_signed || encoding == dw::DW_ATE_signed_char,
            None => enumerators.iter().any(|(_, value)| *value < 0),
        };
        Enumeration { of, signed, enumerators }
    }

    fn array(&self, entry: &Entry<'a>) -> Array {
        let mut dimensions = Vec::new();
        self.children(entry, |child| {
            if matches!(child.tag(), dw::DW_TAG_subrange_type | dw::DW_TAG_generic_subrange) {
                dimensions.push(Dimension { count: self.count(child) });
            }
            dimensions.len() < MOST_DIMENSIONS
        });
        if dimensions.is_empty() {
            dimensions.push(Dimension { count: Count::Unknown });
        }
        Array { element: self.type_of(entry), dimensions, vector: flag(entry, dw::DW_AT_GNU_vector) }
    }

    fn count(&self, entry: &Entry<'a>) -> Count {
        if let Some(value) = entry.attr_value(dw::DW_AT_count) {
            return self.bound(&value, 0);
        }
        let Some(upper) = entry.attr(dw::DW_AT_upper_bound) else { return Count::Unknown };
        let lower = signed(entry, dw::DW_AT_lower_bound).unwrap_or(0);
        // `int empty[0]` has the upper bound -1, which some compilers write in four unsigned bytes.
        match constant(upper) {
            Some(-1 | 0xffff_ffff) => Count::Constant(0),
            _ => self.bound(&upper.value(), 1 - lower),
        }
    }

    fn bound(&self, value: &AttributeValue<Slice<'a>>, add: i64) -> Count {
        match value {
            AttributeValue::Exprloc(expression) => {
                Count::Variable(Bound::Expression(expression.0.slice().to_vec()), add)
            }
            AttributeValue::LocationListsRef(offset) => Count::Variable(Bound::LocationList(offset.0), add),
            AttributeValue::UnitRef(_) | AttributeValue::DebugInfoRef(_) | AttributeValue::DebugInfoRefSup(_) => {
                match self.view.follow(self.unit, value) {
                    Some(die) => Count::Variable(Bound::Variable(die), add),
                    None => Count::Unknown,
                }
            }
            value => match value.udata_value().or_else(|| value.sdata_value().map(|value| value as u64)) {
                Some(bound) => Count::Constant(bound.wrapping_add_signed(add)),
                None => Count::Unknown,
            },
        }
    }
}

pub(super) fn flag(entry: &Entry<'_>, name: gimli::DwAt) -> bool {
    matches!(entry.attr_value(name), Some(AttributeValue::Flag(true)))
}

fn is_virtual(entry: &Entry<'_>) -> bool {
    match entry.attr_value(dw::DW_AT_virtuality) {
        Some(AttributeValue::Virtuality(virtuality)) => virtuality == dw::DW_VIRTUALITY_virtual,
        _ => false,
    }
}

fn number(entry: &Entry<'_>, name: gimli::DwAt) -> Option<u64> {
    entry.attr_value(name)?.udata_value()
}

fn signed(entry: &Entry<'_>, name: gimli::DwAt) -> Option<i64> {
    let value = entry.attr_value(name)?;
    value.sdata_value().or_else(|| value.udata_value().map(|value| value as i64))
}

/// A constant with the sign that its form gives it (DWARF 5, 7.5.5: `DW_FORM_sdata` and `implicit_const` are signed,
/// blocks hold what has more than 64 bits).
fn constant(attribute: &gimli::Attribute<Slice<'_>>) -> Option<i128> {
    match attribute.raw_value() {
        AttributeValue::Sdata(value) => Some(value.into()),
        AttributeValue::Block(block) if block.len() <= 16 => {
            let mut bytes = [0; 16];
            bytes[..block.len()].copy_from_slice(block.slice());
            Some(i128::from_le_bytes(bytes))
        }
        raw => raw.udata_value().map(i128::from),
    }
}

/// `DW_AT_discr_list`: labels and ranges (DWARF 5, 5.7.10), unsigned as Rust writes them.
fn discriminant_list(mut list: Slice<'_>) -> Vec<(i128, i128)> {
    use gimli::Reader as _;
    let mut values = Vec::new();
    while let Ok(kind) = list.read_u8() {
        let Ok(low) = list.read_uleb128() else { break };
        let high = if kind == dw::DW_DSC_range.0 { list.read_uleb128() } else { Ok(low) };
        let Ok(high) = high else { break };
        values.push((low.into(), high.into()));
    }
    values
}
