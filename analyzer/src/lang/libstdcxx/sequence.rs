//! Elements in an order: `stl_vector.h`, `stl_bvector.h`, `stl_deque.h`, `array`, `span`, `initializer_list`,
//! `stl_stack.h`, `stl_queue.h`, `bitset`.

use dpdb_snapshot::Avma;

use super::super::lens::{Doubt, Lens, Looked, Object, Pointer, broken};
use super::super::{Shown, libcxx};
use crate::types::TypeKind;
use crate::value::{Logical, Missing, ValueTree};

/// Bytes in one block of a deque, unless one element has more (`_GLIBCXX_DEQUE_BUF_SIZE`).
const DEQUE_BLOCK: u64 = 512;
/// Bits in one word of a `vector<bool>`.
const WORD_BITS: u64 = 64;

pub(super) fn vector(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let Ok(start) = lens.member(object, "_M_impl._M_start") else { return libcxx::vector(lens, object) };
    if lens.has(&start, "_M_p") {
        return vector_of_bits(lens, object);
    }
    let first = lens.pointer(&start)?;
    let end = lens.pointer_in(object, "_M_impl._M_finish")?.to;
    let limit = lens.check_number_in(object, "_M_impl._M_end_of_storage")?.map(Avma);
    Ok(lens.extent(first, end, limit)?.into())
}

fn vector_of_bits(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let start = lens.pointer_in(object, "_M_impl._M_start._M_p")?.to;
    let skip = lens.number_in(object, "_M_impl._M_start._M_offset")?;
    let finish = lens.pointer_in(object, "_M_impl._M_finish._M_p")?.to;
    let rest = lens.number_in(object, "_M_impl._M_finish._M_offset")?;
    let limit = lens.check_number_in(object, "_M_impl._M_end_of_storage")?;
    if start > finish || limit.is_some_and(|limit| finish.0 > limit) || skip >= WORD_BITS || rest >= WORD_BITS {
        return broken(format!("its bits would be from {start} to {finish}"));
    }
    let Some(count) = (finish.0 - start.0).checked_mul(8).and_then(|bits| (bits + rest).checked_sub(skip)) else {
        return broken(format!("its bits would be from {start} to {finish}"));
    };
    let items = if count == 0 { Vec::new() } else { lens.bits(start, skip, count)? };
    Ok(Logical::Sequence { items, length: Some(count) }.into())
}

/// Where one end of a deque is: `_Deque_iterator`.
struct DequeEnd {
    current: Pointer,
    first: Avma,
    last: Avma,
    /// In the table of blocks.
    block: Avma,
}

fn deque_end(lens: &Lens<'_, '_, '_>, object: &Object) -> Looked<DequeEnd> {
    Ok(DequeEnd {
        current: lens.pointer_in(object, "_M_cur")?,
        first: lens.pointer_in(object, "_M_first")?.to,
        last: lens.pointer_in(object, "_M_last")?.to,
        block: lens.pointer_in(object, "_M_node")?.to,
    })
}

pub(super) fn deque(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let Ok(start) = lens.member(object, "_M_impl._M_start") else { return libcxx::deque(lens, object) };
    let start = deque_end(lens, &start)?;
    let finish = deque_end(lens, &lens.member(object, "_M_impl._M_finish")?)?;
    let element = start.current.target;
    let size = lens.size(element)?.max(1);
    let in_block = (DEQUE_BLOCK / size).max(1);
    let orderly = |end: &DequeEnd| {
        end.first <= end.current.to
            && end.current.to <= end.last
            && end.last.offset_from(end.first) == Some(in_block * size)
            && (end.current.to.0 - end.first.0).is_multiple_of(size)
    };
    let blocks = finish.block.offset_from(start.block).filter(|bytes| bytes.is_multiple_of(8)).map(|bytes| bytes / 8);
    let (Some(blocks), true) = (blocks, orderly(&start) && orderly(&finish)) else {
        return broken(format!(
            "its ends, {} and {}, are not in blocks of its own",
            start.current.to, finish.current.to
        ));
    };
    lens.expect_mapped(start.block, "its table of blocks")?;
    lens.expect_mapped(finish.block, "the end of its table of blocks")?;
    let skip = (start.current.to.0 - start.first.0) / size;
    let end = blocks.saturating_mul(in_block).saturating_add((finish.current.to.0 - finish.first.0) / size);
    let Some(count) = end.checked_sub(skip) else {
        return broken(format!("it ends at {} before it begins at {}", finish.current.to, start.current.to));
    };
    let items = lens.take(count, |lens, index| {
        let index = skip + index;
        match lens.word(start.block.wrapping_add(index / in_block * 8)) {
            Ok(block) => lens.show_at(element, Avma(block.wrapping_add(index % in_block * size))),
            Err(Doubt::Missing(missing)) => ValueTree::Missing(missing),
            Err(_) => ValueTree::Missing(Missing::NoAddress),
        }
    });
    Ok(Logical::Sequence { items, length: Some(count) }.into())
}

pub(super) fn array(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let elements = lens.any_member(object, &["_M_elems", "__elems_"])?;
    if lens.arguments(object).get(1).is_some_and(|length| length.value == Some(0)) {
        // `array<T, 0>` keeps nothing, or with libc++ room for one that is none.
        let nothing = Logical::Sequence { items: Vec::new(), length: Some(0) };
        return if lens.has(object, "__elems_") { Ok(nothing.into()) } else { Err(Doubt::OtherShape) };
    }
    let TypeKind::Array(of) = &elements.of.kind else { return Err(Doubt::OtherShape) };
    let (element, total) = (of.element, lens.size(elements.type_ref())?);
    let size = lens.size(element)?.max(1);
    let items = lens.take(total / size, |lens, index| lens.show(element, &elements.place.skip(index * size)));
    Ok(Logical::Sequence { items, length: Some(total / size) }.into())
}

pub(super) fn span(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let first = lens.pointer(&lens.any_member(object, &["_M_ptr", "__data_"])?)?;
    let dynamic = lens.any_member(object, &["_M_extent._M_extent_value", "__size_"]);
    let count = match dynamic {
        Ok(count) => lens.number(&count)?,
        Err(_) => extent_argument(lens, object)?,
    };
    Ok(lens.elements(first, count)?.into())
}

/// The size of a span whose type says it.
fn extent_argument(lens: &Lens<'_, '_, '_>, object: &Object) -> Looked<u64> {
    let extent = lens.arguments(object).get(1).and_then(|argument| argument.value);
    extent.and_then(|extent| u64::try_from(extent).ok()).ok_or(Doubt::OtherShape)
}

pub(super) fn initializer_list(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let first = lens.pointer(&lens.any_member(object, &["_M_array", "__begin_"])?)?;
    let count = lens.number(&lens.any_member(object, &["_M_len", "__size_"])?)?;
    Ok(lens.elements(first, count)?.into())
}

/// `stack`, `queue` and `priority_queue` are what they keep their elements in.
pub(super) fn adaptor(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let inner = lens.member(object, "c")?;
    let shown = lens.builder.value(inner.type_ref(), &inner.place, lens.depth);
    match shown {
        ValueTree::Logical(_) => Ok(Shown::Instead(shown)),
        _ => Err(Doubt::OtherShape),
    }
}

/// As gdb: those bits that are set.
pub(super) fn bitset(lens: &mut Lens<'_, '_, '_>, object: &Object) -> Looked<Shown> {
    let summary = "std::bitset".to_owned();
    let Ok(words) = lens.any_member(object, &["_M_w", "__first_"]) else {
        // `bitset<0>` keeps nothing.
        let none = lens.arguments(object).first().is_some_and(|bits| bits.value == Some(0));
        let shown = Logical::Object { summary, fields: Vec::new() };
        return if none { Ok(shown.into()) } else { Err(Doubt::OtherShape) };
    };
    let bytes = words.place.read(lens.memory(), lens.size(words.type_ref())?)?;
    let is_set = |bit: &u64| bytes[(bit / 8) as usize] >> (bit % 8) & 1 == 1;
    let set = (0..bytes.len() as u64 * 8).filter(is_set).take(lens.limits().elements as usize);
    let fields = set.map(|bit| (format!("[{bit}]"), ValueTree::Integer(1))).collect();
    Ok(Logical::Object { summary, fields }.into())
}
