// SPDX-License-Identifier: GPL-2.0
/*
 * Annotations: each of <wdm.h>, where it may stand. None may change what a function does.
 */
#include "ddk_client.h"

typedef struct _ANNOTATED {
	UCHAR Count;
	/* fields */
	_Enum_is_bitflag_ _Field_range_(1, 2) _Field_size_(1) _Field_size_bytes_(1)
	_Field_size_bytes_full_(1) _Field_size_bytes_full_opt_(1) _Field_size_bytes_opt_(1)
	_Field_size_bytes_part_(1, 2) _Field_size_bytes_part_opt_(1, 2) _Field_size_full_(1)
	_Field_size_full_opt_(1) _Field_size_opt_(1) _Field_size_part_(1, 2)
	_Field_size_part_opt_(1, 2) _Field_z_ _Struct_size_bytes_(1)
	UCHAR First;
	/* fields, as spelled before Windows 8 */
	__field_bcount(1) __field_bcount_full(1) __field_bcount_full_opt(1) __field_bcount_opt(1)
	__field_bcount_part(1, 2) __field_bcount_part_opt(1, 2) __field_data_source(1)
	__field_ecount(1) __field_ecount_full(1) __field_ecount_full_opt(1) __field_ecount_opt(1)
	__field_ecount_part(1, 2) __field_ecount_part_opt(1, 2) __field_encoded_array
	__field_encoded_pointer __field_nullterminated __field_range(1, 2) __field_xcount(1)
	__field_xcount_full(1) __field_xcount_full_opt(1) __field_xcount_opt(1)
	__field_xcount_part(1, 2) __field_xcount_part_opt(1, 2) __struct_bcount(1)
	__struct_xcount(1)
	UCHAR Second;
	/* guarded fields */
	_Guarded_by_(Lock) _Write_guarded_by_(_Global_interlock_) _Interlocked_
	ULONG Third;
} ANNOTATED, *PANNOTATED;

static ULONG ReadParameters(
	_In_ _In_bound_ _In_bytecount_(1) _In_bytecount_c_(1) _In_bytecount_x_(1) _In_count_(1)
	_In_count_c_(1) _In_count_x_(1) _In_defensive_(1) _In_NLS_string_(1) _In_opt_
	_In_opt_bytecount_(1) _In_opt_bytecount_c_(1) _In_opt_bytecount_x_(1) _In_opt_count_(1)
	_In_opt_count_c_(1) _In_opt_count_x_(1) _In_opt_ptrdiff_count_(1) _In_opt_z_
	_In_opt_z_bytecount_(1) _In_opt_z_bytecount_c_(1) _In_opt_z_count_(1)
	_In_opt_z_count_c_(1) _In_ptrdiff_count_(1) _In_range_(1, 2) _In_reads_(Count)
	_In_reads_bytes_(1) _In_reads_bytes_opt_(1) _In_reads_opt_(1) _In_reads_opt_z_(1)
	_In_reads_or_z_(1) _In_reads_or_z_opt_(1) _In_reads_to_ptr_(1) _In_reads_to_ptr_opt_(1)
	_In_reads_to_ptr_opt_z_(1) _In_reads_to_ptr_z_(1) _In_reads_z_(1) _In_z_
	_In_z_bytecount_(1) _In_z_bytecount_c_(1) _In_z_count_(1) _In_z_count_c_(1)
	ULONG Value)
{
	return Value + 1;
}

static ULONG WrittenParameters(
	_Out_ _Out_bound_ _Out_bytecap_(1) _Out_bytecap_c_(1) _Out_bytecap_post_bytecount_(1, 2)
	_Out_bytecap_x_(1) _Out_bytecapcount_(1) _Out_bytecapcount_x_(1) _Out_cap_(1)
	_Out_cap_c_(1) _Out_cap_m_(1, 2) _Out_cap_post_count_(1, 2) _Out_cap_x_(1)
	_Out_capcount_(1) _Out_capcount_x_(1) _Out_defensive_(1) _Out_opt_ _Out_opt_bytecap_(1)
	_Out_opt_bytecap_c_(1) _Out_opt_bytecap_post_bytecount_(1, 2) _Out_opt_bytecap_x_(1)
	_Out_opt_bytecapcount_(1) _Out_opt_bytecapcount_x_(1) _Out_opt_cap_(1) _Out_opt_cap_c_(1)
	_Out_opt_cap_m_(1, 2) _Out_opt_cap_post_count_(1, 2) _Out_opt_cap_x_(1)
	_Out_opt_capcount_(1) _Out_opt_capcount_x_(1) _Out_opt_ptrdiff_cap_(1)
	_Out_opt_z_bytecap_(1) _Out_opt_z_bytecap_c_(1) _Out_opt_z_bytecap_post_bytecount_(1, 2)
	_Out_opt_z_bytecap_x_(1) _Out_opt_z_bytecapcount_(1) _Out_opt_z_cap_(1)
	_Out_opt_z_cap_c_(1) _Out_opt_z_cap_m_(1, 2) _Out_opt_z_cap_post_count_(1, 2)
	_Out_opt_z_cap_x_(1) _Out_opt_z_capcount_(1) _Out_ptrdiff_cap_(1) _Out_range_(1, 2)
	_Out_writes_(1) _Out_writes_all_(1) _Out_writes_all_opt_(1) _Out_writes_bytes_(1)
	_Out_writes_bytes_all_(1) _Out_writes_bytes_all_opt_(1) _Out_writes_bytes_opt_(1)
	_Out_writes_bytes_to_(1, 2) _Out_writes_bytes_to_opt_(1, 2) _Out_writes_opt_(1)
	_Out_writes_opt_z_(1) _Out_writes_to_(1, 2) _Out_writes_to_opt_(1, 2)
	_Out_writes_to_ptr_(1) _Out_writes_to_ptr_opt_(1) _Out_writes_to_ptr_opt_z_(1)
	_Out_writes_to_ptr_z_(1) _Out_writes_z_(1) _Out_z_bytecap_(1) _Out_z_bytecap_c_(1)
	_Out_z_bytecap_post_bytecount_(1, 2) _Out_z_bytecap_x_(1) _Out_z_bytecapcount_(1)
	_Out_z_cap_(1) _Out_z_cap_c_(1) _Out_z_cap_m_(1, 2) _Out_z_cap_post_count_(1, 2)
	_Out_z_cap_x_(1) _Out_z_capcount_(1)
	ULONG Value)
{
	return Value + 1;
}

static ULONG ReadAndWrittenParameters(
	_Inout_ _Inout_bytecap_(1) _Inout_bytecap_c_(1) _Inout_bytecap_x_(1) _Inout_bytecount_(1)
	_Inout_bytecount_c_(1) _Inout_bytecount_x_(1) _Inout_cap_(1) _Inout_cap_c_(1)
	_Inout_cap_x_(1) _Inout_count_(1) _Inout_count_c_(1) _Inout_count_x_(1)
	_Inout_defensive_(1) _Inout_opt_ _Inout_opt_bytecap_(1) _Inout_opt_bytecap_c_(1)
	_Inout_opt_bytecap_x_(1) _Inout_opt_bytecount_(1) _Inout_opt_bytecount_c_(1)
	_Inout_opt_bytecount_x_(1) _Inout_opt_cap_(1) _Inout_opt_cap_c_(1) _Inout_opt_cap_x_(1)
	_Inout_opt_count_(1) _Inout_opt_count_c_(1) _Inout_opt_count_x_(1)
	_Inout_opt_ptrdiff_count_(1) _Inout_opt_z_ _Inout_opt_z_bytecap_(1)
	_Inout_opt_z_bytecap_c_(1) _Inout_opt_z_bytecap_x_(1) _Inout_opt_z_bytecount_(1)
	_Inout_opt_z_bytecount_c_(1) _Inout_opt_z_cap_(1) _Inout_opt_z_cap_c_(1)
	_Inout_opt_z_cap_x_(1) _Inout_opt_z_count_(1) _Inout_opt_z_count_c_(1)
	_Inout_ptrdiff_count_(1) _Inout_updates_(1) _Inout_updates_all_(1)
	_Inout_updates_all_opt_(1) _Inout_updates_bytes_(1) _Inout_updates_bytes_all_(1)
	_Inout_updates_bytes_all_opt_(1) _Inout_updates_bytes_opt_(1)
	_Inout_updates_bytes_to_(1, 2) _Inout_updates_bytes_to_opt_(1, 2) _Inout_updates_opt_(1)
	_Inout_updates_opt_z_(1) _Inout_updates_to_(1, 2) _Inout_updates_to_opt_(1, 2)
	_Inout_updates_z_(1) _Inout_z_ _Inout_z_bytecap_(1) _Inout_z_bytecap_c_(1)
	_Inout_z_bytecap_x_(1) _Inout_z_bytecount_(1) _Inout_z_bytecount_c_(1) _Inout_z_cap_(1)
	_Inout_z_cap_c_(1) _Inout_z_cap_x_(1) _Inout_z_count_(1) _Inout_z_count_c_(1)
	ULONG Value)
{
	return Value + 1;
}

static ULONG ReturnedPointers(
	_COM_Outptr_ _COM_Outptr_opt_ _COM_Outptr_opt_result_maybenull_
	_COM_Outptr_result_maybenull_ _Outptr_ _Outptr_opt_ _Outptr_opt_result_buffer_(1)
	_Outptr_opt_result_buffer_all_(1) _Outptr_opt_result_buffer_all_maybenull_(1)
	_Outptr_opt_result_buffer_maybenull_(1) _Outptr_opt_result_buffer_to_(1, 2)
	_Outptr_opt_result_buffer_to_maybenull_(1, 2) _Outptr_opt_result_bytebuffer_(1)
	_Outptr_opt_result_bytebuffer_all_(1) _Outptr_opt_result_bytebuffer_all_maybenull_(1)
	_Outptr_opt_result_bytebuffer_maybenull_(1) _Outptr_opt_result_bytebuffer_to_(1, 2)
	_Outptr_opt_result_bytebuffer_to_maybenull_(1, 2) _Outptr_opt_result_maybenull_
	_Outptr_opt_result_maybenull_z_ _Outptr_opt_result_nullonfailure_ _Outptr_opt_result_z_
	_Outptr_opt_z_ _Outptr_result_buffer_(1) _Outptr_result_buffer_all_(1)
	_Outptr_result_buffer_all_maybenull_(1) _Outptr_result_buffer_maybenull_(1)
	_Outptr_result_buffer_to_(1, 2) _Outptr_result_buffer_to_maybenull_(1, 2)
	_Outptr_result_bytebuffer_(1) _Outptr_result_bytebuffer_all_(1)
	_Outptr_result_bytebuffer_all_maybenull_(1) _Outptr_result_bytebuffer_maybenull_(1)
	_Outptr_result_bytebuffer_to_(1, 2) _Outptr_result_bytebuffer_to_maybenull_(1, 2)
	_Outptr_result_maybenull_ _Outptr_result_maybenull_z_ _Outptr_result_nullonfailure_
	_Outptr_result_z_ _Outptr_z_ _Outref_ _Outref_result_buffer_(1)
	_Outref_result_buffer_all_(1) _Outref_result_buffer_all_maybenull_(1)
	_Outref_result_buffer_maybenull_(1) _Outref_result_buffer_to_(1, 2)
	_Outref_result_buffer_to_maybenull_(1, 2) _Outref_result_bytebuffer_(1)
	_Outref_result_bytebuffer_all_(1) _Outref_result_bytebuffer_all_maybenull_(1)
	_Outref_result_bytebuffer_maybenull_(1) _Outref_result_bytebuffer_to_(1, 2)
	_Outref_result_bytebuffer_to_maybenull_(1, 2) _Outref_result_maybenull_
	_Outref_result_nullonfailure_ _Result_nullonfailure_ _Result_zeroonfailure_
	ULONG Value)
{
	return Value + 1;
}

static ULONG Preconditions(
	_Pre_ _Pre_accessible_bytes_(1, 2) _Pre_accessible_bytes_when_(1, 2, 3) _Pre_bytecap_(1)
	_Pre_bytecap_c_(1) _Pre_bytecap_x_(1) _Pre_bytecount_(1) _Pre_bytecount_c_(1)
	_Pre_bytecount_x_(1) _Pre_cap_(1) _Pre_cap_c_(1) _Pre_cap_c_one_ _Pre_cap_for_(1)
	_Pre_cap_m_(1, 2) _Pre_cap_x_(1) _Pre_count_(1) _Pre_count_c_(1) _Pre_count_x_(1)
	_Pre_defensive_ _Pre_equal_to_(1) _Pre_invalid_ _Pre_maybenull_ _Pre_notnull_ _Pre_null_
	_Pre_opt_bytecap_(1) _Pre_opt_bytecap_c_(1) _Pre_opt_bytecap_x_(1) _Pre_opt_bytecount_(1)
	_Pre_opt_bytecount_c_(1) _Pre_opt_bytecount_x_(1) _Pre_opt_cap_(1) _Pre_opt_cap_c_(1)
	_Pre_opt_cap_c_one_ _Pre_opt_cap_for_(1) _Pre_opt_cap_m_(1, 2) _Pre_opt_cap_x_(1)
	_Pre_opt_count_(1) _Pre_opt_count_c_(1) _Pre_opt_count_x_(1) _Pre_opt_ptrdiff_cap_(1)
	_Pre_opt_ptrdiff_count_(1) _Pre_opt_valid_ _Pre_opt_valid_bytecap_(1)
	_Pre_opt_valid_bytecap_c_(1) _Pre_opt_valid_bytecap_x_(1) _Pre_opt_valid_cap_(1)
	_Pre_opt_valid_cap_c_(1) _Pre_opt_valid_cap_x_(1) _Pre_opt_z_ _Pre_opt_z_bytecap_(1)
	_Pre_opt_z_bytecap_c_(1) _Pre_opt_z_bytecap_x_(1) _Pre_opt_z_cap_(1) _Pre_opt_z_cap_c_(1)
	_Pre_opt_z_cap_x_(1) _Pre_ptrdiff_cap_(1) _Pre_ptrdiff_count_(1)
	_Pre_readable_byte_size_(1) _Pre_readable_size_(1) _Pre_readonly_ _Pre_satisfies_(1)
	_Pre_unknown_ _Pre_valid_ _Pre_valid_bytecap_(1) _Pre_valid_bytecap_c_(1)
	_Pre_valid_bytecap_x_(1) _Pre_valid_cap_(1) _Pre_valid_cap_c_(1) _Pre_valid_cap_x_(1)
	_Pre_writable_byte_size_(1) _Pre_writable_size_(1) _Pre_writeonly_ _Pre_z_
	_Pre_z_bytecap_(1) _Pre_z_bytecap_c_(1) _Pre_z_bytecap_x_(1) _Pre_z_cap_(1)
	_Pre_z_cap_c_(1) _Pre_z_cap_x_(1)
	ULONG Value)
{
	return Value + 1;
}

static ULONG Postconditions(
	_Post_ _Post_bytecap_(1) _Post_bytecount_(1) _Post_bytecount_c_(1) _Post_bytecount_x_(1)
	_Post_cap_(1) _Post_count_(1) _Post_count_c_(1) _Post_count_x_(1) _Post_defensive_
	_Post_equal_to_(1) _Post_equals_last_error_ _Post_invalid_ _Post_maybenull_ _Post_maybez_
	_Post_notnull_ _Post_null_ _Post_ptr_invalid_ _Post_readable_byte_size_(1)
	_Post_readable_size_(1) _Post_satisfies_(1) _Post_valid_ _Post_writable_byte_size_(1)
	_Post_writable_size_(1) _Post_z_ _Post_z_bytecount_(1) _Post_z_bytecount_c_(1)
	_Post_z_bytecount_x_(1) _Post_z_count_(1) _Post_z_count_c_(1) _Post_z_count_x_(1)
	_Prepost_bytecount_(1) _Prepost_bytecount_c_(1) _Prepost_bytecount_x_(1)
	_Prepost_count_(1) _Prepost_count_c_(1) _Prepost_count_x_(1) _Prepost_opt_bytecount_(1)
	_Prepost_opt_bytecount_c_(1) _Prepost_opt_bytecount_x_(1) _Prepost_opt_count_(1)
	_Prepost_opt_count_c_(1) _Prepost_opt_count_x_(1) _Prepost_opt_valid_ _Prepost_opt_z_
	_Prepost_valid_ _Prepost_z_
	ULONG Value)
{
	return Value + 1;
}

static ULONG PointedTo(
	_Deref2_pre_readonly_ _Deref_ _Deref_in_bound_ _Deref_in_range_(1, 2) _Deref_inout_bound_
	_Deref_inout_range_(1, 2) _Deref_inout_z_ _Deref_inout_z_bytecap_c_(1)
	_Deref_inout_z_cap_c_(1) _Deref_opt_out_ _Deref_opt_out_opt_ _Deref_opt_out_opt_z_
	_Deref_opt_out_z_ _Deref_out_ _Deref_out_bound_ _Deref_out_opt_ _Deref_out_opt_z_
	_Deref_out_range_(1, 2) _Deref_out_z_ _Deref_out_z_bytecap_c_(1) _Deref_out_z_cap_c_(1)
	_Deref_post_bytecap_(1) _Deref_post_bytecap_c_(1) _Deref_post_bytecap_x_(1)
	_Deref_post_bytecount_(1) _Deref_post_bytecount_c_(1) _Deref_post_bytecount_x_(1)
	_Deref_post_cap_(1) _Deref_post_cap_c_(1) _Deref_post_cap_x_(1) _Deref_post_count_(1)
	_Deref_post_count_c_(1) _Deref_post_count_x_(1) _Deref_post_maybenull_
	_Deref_post_notnull_ _Deref_post_null_ _Deref_post_opt_bytecap_(1)
	_Deref_post_opt_bytecap_c_(1) _Deref_post_opt_bytecap_x_(1) _Deref_post_opt_bytecount_(1)
	_Deref_post_opt_bytecount_c_(1) _Deref_post_opt_bytecount_x_(1) _Deref_post_opt_cap_(1)
	_Deref_post_opt_cap_c_(1) _Deref_post_opt_cap_x_(1) _Deref_post_opt_count_(1)
	_Deref_post_opt_count_c_(1) _Deref_post_opt_count_x_(1) _Deref_post_opt_valid_
	_Deref_post_opt_valid_bytecap_(1) _Deref_post_opt_valid_bytecap_c_(1)
	_Deref_post_opt_valid_bytecap_x_(1) _Deref_post_opt_valid_cap_(1)
	_Deref_post_opt_valid_cap_c_(1) _Deref_post_opt_valid_cap_x_(1) _Deref_post_opt_z_
	_Deref_post_opt_z_bytecap_(1) _Deref_post_opt_z_bytecap_c_(1)
	_Deref_post_opt_z_bytecap_x_(1) _Deref_post_opt_z_cap_(1) _Deref_post_opt_z_cap_c_(1)
	_Deref_post_opt_z_cap_x_(1) _Deref_post_valid_ _Deref_post_valid_bytecap_(1)
	_Deref_post_valid_bytecap_c_(1) _Deref_post_valid_bytecap_x_(1) _Deref_post_valid_cap_(1)
	_Deref_post_valid_cap_c_(1) _Deref_post_valid_cap_x_(1) _Deref_post_z_
	_Deref_post_z_bytecap_(1) _Deref_post_z_bytecap_c_(1) _Deref_post_z_bytecap_x_(1)
	_Deref_post_z_cap_(1) _Deref_post_z_cap_c_(1) _Deref_post_z_cap_x_(1)
	_Deref_pre_bytecap_(1) _Deref_pre_bytecap_c_(1) _Deref_pre_bytecap_x_(1)
	_Deref_pre_bytecount_(1) _Deref_pre_bytecount_c_(1) _Deref_pre_bytecount_x_(1)
	_Deref_pre_cap_(1) _Deref_pre_cap_c_(1) _Deref_pre_cap_x_(1) _Deref_pre_count_(1)
	_Deref_pre_count_c_(1) _Deref_pre_count_x_(1) _Deref_pre_invalid_ _Deref_pre_maybenull_
	_Deref_pre_notnull_ _Deref_pre_null_ _Deref_pre_opt_bytecap_(1)
	_Deref_pre_opt_bytecap_c_(1) _Deref_pre_opt_bytecap_x_(1) _Deref_pre_opt_bytecount_(1)
	_Deref_pre_opt_bytecount_c_(1) _Deref_pre_opt_bytecount_x_(1) _Deref_pre_opt_cap_(1)
	_Deref_pre_opt_cap_c_(1) _Deref_pre_opt_cap_x_(1) _Deref_pre_opt_count_(1)
	_Deref_pre_opt_count_c_(1) _Deref_pre_opt_count_x_(1) _Deref_pre_opt_valid_
	_Deref_pre_opt_valid_bytecap_(1) _Deref_pre_opt_valid_bytecap_c_(1)
	_Deref_pre_opt_valid_bytecap_x_(1) _Deref_pre_opt_valid_cap_(1)
	_Deref_pre_opt_valid_cap_c_(1) _Deref_pre_opt_valid_cap_x_(1) _Deref_pre_opt_z_
	_Deref_pre_opt_z_bytecap_(1) _Deref_pre_opt_z_bytecap_c_(1) _Deref_pre_opt_z_bytecap_x_(1)
	_Deref_pre_opt_z_cap_(1) _Deref_pre_opt_z_cap_c_(1) _Deref_pre_opt_z_cap_x_(1)
	_Deref_pre_readonly_ _Deref_pre_valid_ _Deref_pre_valid_bytecap_(1)
	_Deref_pre_valid_bytecap_c_(1) _Deref_pre_valid_bytecap_x_(1) _Deref_pre_valid_cap_(1)
	_Deref_pre_valid_cap_c_(1) _Deref_pre_valid_cap_x_(1) _Deref_pre_writeonly_ _Deref_pre_z_
	_Deref_pre_z_bytecap_(1) _Deref_pre_z_bytecap_c_(1) _Deref_pre_z_bytecap_x_(1)
	_Deref_pre_z_cap_(1) _Deref_pre_z_cap_c_(1) _Deref_pre_z_cap_x_(1)
	_Deref_prepost_bytecap_(1) _Deref_prepost_bytecap_x_(1) _Deref_prepost_bytecount_(1)
	_Deref_prepost_bytecount_x_(1) _Deref_prepost_cap_(1) _Deref_prepost_cap_x_(1)
	_Deref_prepost_count_(1) _Deref_prepost_count_x_(1) _Deref_prepost_opt_bytecap_(1)
	_Deref_prepost_opt_bytecap_x_(1) _Deref_prepost_opt_bytecount_(1)
	_Deref_prepost_opt_bytecount_x_(1) _Deref_prepost_opt_cap_(1) _Deref_prepost_opt_cap_x_(1)
	_Deref_prepost_opt_count_(1) _Deref_prepost_opt_count_x_(1) _Deref_prepost_opt_valid_
	_Deref_prepost_opt_valid_bytecap_(1) _Deref_prepost_opt_valid_bytecap_x_(1)
	_Deref_prepost_opt_valid_cap_(1) _Deref_prepost_opt_valid_cap_x_(1) _Deref_prepost_opt_z_
	_Deref_prepost_opt_z_bytecap_(1) _Deref_prepost_opt_z_cap_(1) _Deref_prepost_valid_
	_Deref_prepost_valid_bytecap_(1) _Deref_prepost_valid_bytecap_x_(1)
	_Deref_prepost_valid_cap_(1) _Deref_prepost_valid_cap_x_(1) _Deref_prepost_z_
	_Deref_prepost_z_bytecap_(1) _Deref_prepost_z_cap_(1) _Deref_ret_bound_ _Deref_ret_opt_z_
	_Deref_ret_range_(1, 2) _Deref_ret_z_
	ULONG Value)
{
	return Value + 1;
}

static ULONG OldReadParameters(
	__in __in_awcount(1, 2) __in_bcount(1) __in_bcount_nz(1) __in_bcount_nz_opt(1)
	__in_bcount_opt(1) __in_bcount_z(1) __in_bcount_z_opt(1) __in_bound __in_data_source(1)
	__in_ecount(1) __in_ecount_nz(1) __in_ecount_nz_opt(1) __in_ecount_opt(1)
	__in_ecount_or_z(1) __in_ecount_z(1) __in_ecount_z_opt(1) __in_nz __in_nz_opt __in_opt
	__in_range(1, 2) __in_xcount(1) __in_xcount_opt(1) __in_z __in_z_opt
	ULONG Value)
{
	return Value + 1;
}

static ULONG OldWrittenParameters(
	__out __out_awcount(1, 2) __out_bcount(1) __out_bcount_full(1) __out_bcount_full_opt(1)
	__out_bcount_full_z(1) __out_bcount_full_z_opt(1) __out_bcount_nz(1)
	__out_bcount_nz_opt(1) __out_bcount_opt(1) __out_bcount_part(1, 2)
	__out_bcount_part_opt(1, 2) __out_bcount_part_z(1, 2) __out_bcount_part_z_opt(1, 2)
	__out_bcount_z(1) __out_bcount_z_opt(1) __out_bound __out_data_source(1) __out_ecount(1)
	__out_ecount_full(1) __out_ecount_full_opt(1) __out_ecount_full_z(1)
	__out_ecount_full_z_opt(1) __out_ecount_nz(1) __out_ecount_nz_opt(1) __out_ecount_opt(1)
	__out_ecount_part(1, 2) __out_ecount_part_opt(1, 2) __out_ecount_part_z(1, 2)
	__out_ecount_part_z_opt(1, 2) __out_ecount_z(1) __out_ecount_z_opt(1)
	__out_has_adt_prop(1, 2) __out_has_type_adt_props(1) __out_not_has_adt_prop(1, 2) __out_nz
	__out_nz_opt __out_opt __out_range(1, 2) __out_transfer_adt_prop(1) __out_validated(1)
	__out_xcount(1) __out_xcount_full(1) __out_xcount_full_opt(1) __out_xcount_opt(1)
	__out_xcount_part(1, 2) __out_xcount_part_opt(1, 2) __out_z __out_z_opt
	ULONG Value)
{
	return Value + 1;
}

static ULONG OldReadAndWrittenParameters(
	__inout __inout_bcount(1) __inout_bcount_full(1) __inout_bcount_full_opt(1)
	__inout_bcount_nz(1) __inout_bcount_nz_opt(1) __inout_bcount_opt(1)
	__inout_bcount_part(1, 2) __inout_bcount_part_opt(1, 2) __inout_bcount_z(1)
	__inout_bcount_z_opt(1) __inout_ecount(1) __inout_ecount_full(1)
	__inout_ecount_full_opt(1) __inout_ecount_nz(1) __inout_ecount_nz_opt(1)
	__inout_ecount_opt(1) __inout_ecount_part(1, 2) __inout_ecount_part_opt(1, 2)
	__inout_ecount_z(1) __inout_ecount_z_opt(1) __inout_nz __inout_nz_opt __inout_opt
	__inout_xcount(1) __inout_xcount_full(1) __inout_xcount_full_opt(1) __inout_xcount_opt(1)
	__inout_xcount_part(1, 2) __inout_xcount_part_opt(1, 2) __inout_z __inout_z_opt
	ULONG Value)
{
	return Value + 1;
}

static ULONG OldPointedTo(
	__deref __deref_bcount(1) __deref_bcount_opt(1) __deref_ecount(1) __deref_ecount_opt(1)
	__deref_in __deref_in_bcount(1) __deref_in_bcount_opt(1) __deref_in_ecount(1)
	__deref_in_ecount_iterator(1, 2) __deref_in_ecount_opt(1) __deref_in_opt
	__deref_in_opt_out __deref_in_range(1, 2) __deref_in_xcount(1) __deref_in_xcount_opt(1)
	__deref_inout __deref_inout_bcount(1) __deref_inout_bcount_full(1)
	__deref_inout_bcount_full_opt(1) __deref_inout_bcount_nz(1) __deref_inout_bcount_nz_opt(1)
	__deref_inout_bcount_opt(1) __deref_inout_bcount_part(1, 2)
	__deref_inout_bcount_part_opt(1, 2) __deref_inout_bcount_z(1)
	__deref_inout_bcount_z_opt(1) __deref_inout_ecount(1) __deref_inout_ecount_full(1)
	__deref_inout_ecount_full_opt(1) __deref_inout_ecount_iterator(1, 2)
	__deref_inout_ecount_nz(1) __deref_inout_ecount_nz_opt(1) __deref_inout_ecount_opt(1)
	__deref_inout_ecount_part(1, 2) __deref_inout_ecount_part_opt(1, 2)
	__deref_inout_ecount_z(1) __deref_inout_ecount_z_opt(1) __deref_inout_nz
	__deref_inout_nz_opt __deref_inout_opt __deref_inout_range(1, 2) __deref_inout_xcount(1)
	__deref_inout_xcount_full(1) __deref_inout_xcount_full_opt(1) __deref_inout_xcount_opt(1)
	__deref_inout_xcount_part(1, 2) __deref_inout_xcount_part_opt(1, 2) __deref_inout_z
	__deref_inout_z_opt __deref_nonvolatile __deref_opt_bcount(1) __deref_opt_bcount_opt(1)
	__deref_opt_ecount(1) __deref_opt_ecount_opt(1) __deref_opt_in __deref_opt_in_bcount(1)
	__deref_opt_in_bcount_opt(1) __deref_opt_in_ecount(1) __deref_opt_in_ecount_opt(1)
	__deref_opt_in_opt __deref_opt_in_xcount(1) __deref_opt_in_xcount_opt(1) __deref_opt_inout
	__deref_opt_inout_bcount(1) __deref_opt_inout_bcount_full(1)
	__deref_opt_inout_bcount_full_opt(1) __deref_opt_inout_bcount_nz(1)
	__deref_opt_inout_bcount_nz_opt(1) __deref_opt_inout_bcount_opt(1)
	__deref_opt_inout_bcount_part(1, 2) __deref_opt_inout_bcount_part_opt(1, 2)
	__deref_opt_inout_bcount_z(1) __deref_opt_inout_bcount_z_opt(1)
	__deref_opt_inout_ecount(1) __deref_opt_inout_ecount_full(1)
	__deref_opt_inout_ecount_full_opt(1) __deref_opt_inout_ecount_nz(1)
	__deref_opt_inout_ecount_nz_opt(1) __deref_opt_inout_ecount_opt(1)
	__deref_opt_inout_ecount_part(1, 2) __deref_opt_inout_ecount_part_opt(1, 2)
	__deref_opt_inout_ecount_z(1) __deref_opt_inout_ecount_z_opt(1) __deref_opt_inout_nz
	__deref_opt_inout_nz_opt __deref_opt_inout_opt __deref_opt_inout_xcount(1)
	__deref_opt_inout_xcount_full(1) __deref_opt_inout_xcount_full_opt(1)
	__deref_opt_inout_xcount_opt(1) __deref_opt_inout_xcount_part(1, 2)
	__deref_opt_inout_xcount_part_opt(1, 2) __deref_opt_inout_z __deref_opt_inout_z_opt
	__deref_opt_out __deref_opt_out_bcount(1) __deref_opt_out_bcount_full(1)
	__deref_opt_out_bcount_full_opt(1) __deref_opt_out_bcount_nz_opt(1)
	__deref_opt_out_bcount_opt(1) __deref_opt_out_bcount_part(1, 2)
	__deref_opt_out_bcount_part_opt(1, 2) __deref_opt_out_bcount_z_opt(1)
	__deref_opt_out_ecount(1) __deref_opt_out_ecount_full(1)
	__deref_opt_out_ecount_full_opt(1) __deref_opt_out_ecount_nz_opt(1)
	__deref_opt_out_ecount_opt(1) __deref_opt_out_ecount_part(1, 2)
	__deref_opt_out_ecount_part_opt(1, 2) __deref_opt_out_ecount_z_opt(1)
	__deref_opt_out_nz_opt __deref_opt_out_opt __deref_opt_out_xcount(1)
	__deref_opt_out_xcount_full(1) __deref_opt_out_xcount_full_opt(1)
	__deref_opt_out_xcount_opt(1) __deref_opt_out_xcount_part(1, 2)
	__deref_opt_out_xcount_part_opt(1, 2) __deref_opt_out_z __deref_opt_out_z_opt
	__deref_opt_xcount(1) __deref_opt_xcount_opt(1) __deref_out __deref_out_bcount(1)
	__deref_out_bcount_full(1) __deref_out_bcount_full_opt(1) __deref_out_bcount_nz(1)
	__deref_out_bcount_nz_opt(1) __deref_out_bcount_opt(1) __deref_out_bcount_part(1, 2)
	__deref_out_bcount_part_opt(1, 2) __deref_out_bcount_z(1) __deref_out_bcount_z_opt(1)
	__deref_out_bound __deref_out_ecount(1) __deref_out_ecount_full(1)
	__deref_out_ecount_full_opt(1) __deref_out_ecount_iterator(1, 2) __deref_out_ecount_nz(1)
	__deref_out_ecount_nz_opt(1) __deref_out_ecount_opt(1) __deref_out_ecount_part(1, 2)
	__deref_out_ecount_part_opt(1, 2) __deref_out_ecount_z(1) __deref_out_ecount_z_opt(1)
	__deref_out_nz __deref_out_nz_opt __deref_out_opt __deref_out_range(1, 2)
	__deref_out_xcount(1) __deref_out_xcount_full(1) __deref_out_xcount_full_opt(1)
	__deref_out_xcount_opt(1) __deref_out_xcount_part(1, 2) __deref_out_xcount_part_opt(1, 2)
	__deref_out_z __deref_out_z_opt __deref_realloc_bcount(1, 2) __deref_volatile
	__deref_xcount(1) __deref_xcount_opt(1)
	ULONG Value)
{
	return Value + 1;
}

_Ret_ _Ret_bound_ _Ret_bytecap_(1) _Ret_bytecap_c_(1) _Ret_bytecap_x_(1) _Ret_bytecount_(1)
_Ret_bytecount_c_(1) _Ret_bytecount_x_(1) _Ret_cap_(1) _Ret_cap_c_(1) _Ret_cap_x_(1)
_Ret_count_(1) _Ret_count_c_(1) _Ret_count_x_(1) _Ret_maybenull_ _Ret_maybenull_z_ _Ret_notnull_
_Ret_null_ _Ret_opt_ _Ret_opt_bytecap_(1) _Ret_opt_bytecap_c_(1) _Ret_opt_bytecap_x_(1)
_Ret_opt_bytecount_(1) _Ret_opt_bytecount_c_(1) _Ret_opt_bytecount_x_(1) _Ret_opt_cap_(1)
_Ret_opt_cap_c_(1) _Ret_opt_cap_x_(1) _Ret_opt_count_(1) _Ret_opt_count_c_(1) _Ret_opt_count_x_(1)
_Ret_opt_valid_ _Ret_opt_z_ _Ret_opt_z_bytecap_(1) _Ret_opt_z_bytecount_(1) _Ret_opt_z_cap_(1)
_Ret_opt_z_count_(1) _Ret_range_(1, 2) _Ret_reallocated_bytes_(1, 2) _Ret_valid_ _Ret_writes_(1)
_Ret_writes_bytes_(1) _Ret_writes_bytes_maybenull_(1) _Ret_writes_bytes_to_(1, 2)
_Ret_writes_bytes_to_maybenull_(1, 2) _Ret_writes_maybenull_(1) _Ret_writes_maybenull_z_(1)
_Ret_writes_to_(1, 2) _Ret_writes_to_maybenull_(1, 2) _Ret_writes_z_(1) _Ret_z_ _Ret_z_bytecap_(1)
_Ret_z_bytecount_(1) _Ret_z_cap_(1) _Ret_z_count_(1)
static ULONG Results(ULONG Value)
{
	return Value + 1;
}

_Always_(_Out_) _Analysis_noreturn_ _At_(*Value, _Post_satisfies_(*Value > 0))
_At_buffer_(Value, Index, 1, _Out_) _Check_return_ _Const_ _Frees_ptr_ _Frees_ptr_opt_
_Group_(_In_ _Pre_notnull_) _Literal_ _Maybe_raises_SEH_exception_ _Maybenull_ _Maybevalid_
_Must_inspect_result_ _Notliteral_ _Notnull_ _Notref_ _Notvalid_ _Null_ _Null_terminated_
_NullNull_terminated_ _On_failure_(_Out_) _Points_to_data_ _Printf_format_string_
_Printf_format_string_params_(1) _Raises_SEH_exception_ _Readable_bytes_(1) _Readable_elements_(1)
_Reallocation_function_(1, 2, 3) _Reserved_ _Return_type_success_(return >= 0)
_Scanf_format_string_ _Scanf_format_string_params_(1) _Scanf_s_format_string_
_Scanf_s_format_string_params_(1) _Strict_type_match_ _Success_(return != 0)
_Translates_last_error_to_HRESULT_ _Translates_NTSTATUS_to_HRESULT_(1)
_Translates_Win32_to_HRESULT_(1) _Unchanged_(1) _Unreferenced_parameter_ _Use_decl_annotations_
_Valid_ _When_(Value != 0, _Out_) _Writable_bytes_(1) _Writable_elements_(1)
_Writes_and_advances_ptr_(1) _Writes_bytes_and_advances_ptr_(1)
static ULONG Conditions(ULONG Value)
{
	return Value + 1;
}

__acquires_exclusive_lock(Lock) __acquires_lock(Lock) __acquires_shared_lock(Lock)
__function_ignore_lock_checking(Lock) __guarded_by(Lock) __has_lock_level(Lock)
__has_lock_property(Lock) __interlocked __no_competing_thread __releases_exclusive_lock(Lock)
__releases_lock(Lock) __releases_shared_lock(Lock) __requires_exclusive_lock_held(Lock)
__requires_lock_held(Lock) __requires_lock_not_held(Lock) __requires_no_locks_held
__requires_shared_lock_held(Lock) __write_guarded_by(Lock) _Acquires_exclusive_lock_(Lock)
_Acquires_lock_(Lock) _Acquires_nonreentrant_lock_(Lock) _Acquires_shared_lock_(Lock)
_Function_ignore_lock_checking_(Lock) _Guarded_by_(Lock) _Has_lock_kind_(_Lock_kind_mutex_)
_Has_lock_level_(Lock) _Interlocked_ _Interlocked_operand_ _No_competing_thread_
_Post_same_lock_(Lock, Other) _Releases_exclusive_lock_(Lock) _Releases_lock_(Lock)
_Releases_nonreentrant_lock_(Lock) _Releases_shared_lock_(Lock)
_Requires_exclusive_lock_held_(Lock) _Requires_lock_held_(Lock) _Requires_lock_not_held_(Lock)
_Requires_no_locks_held_ _Requires_shared_lock_held_(Lock) _Write_guarded_by_(Lock)
static ULONG Locks(ULONG Value)
{
	return Value + 1;
}

_IRQL_always_function_max_(DISPATCH_LEVEL) _IRQL_always_function_min_(DISPATCH_LEVEL) _IRQL_inout_
_IRQL_is_cancel_ _IRQL_raises_(DISPATCH_LEVEL) _IRQL_requires_(DISPATCH_LEVEL)
_IRQL_requires_max_(DISPATCH_LEVEL) _IRQL_requires_min_(DISPATCH_LEVEL) _IRQL_requires_same_
_IRQL_restores_ _IRQL_restores_global_(Kind, Level) _IRQL_saves_ _IRQL_saves_global_(Kind, Level)
_IRQL_uses_cancel_
static ULONG Levels(ULONG Value)
{
	return Value + 1;
}

_Accessible_bytes_(1, 2) _Accessible_bytes_when_(1, 2, 3) _Called_from_function_class_(1)
_Dispatch_type_(1) _Function_class_(1) _In_function_class_(1) _Kernel_acquires_resource_(1)
_Kernel_clear_do_init_(1) _Kernel_entry_ _Kernel_entry_always_ _Kernel_float_restored_
_Kernel_float_saved_ _Kernel_float_used_ _Kernel_IoGetDmaAdapter_ _Kernel_releases_resource_(1)
_Kernel_requires_resource_held_(1) _Kernel_requires_resource_not_held_(1) _Landmark_(1)
_Memory_origin_(1) _Memory_origin_when_(1, 2) _User_ _User_always_
_User_always_and_needs_probe_on_(1) _User_on_(1)
static ULONG KernelFunctions(ULONG Value)
{
	return Value + 1;
}

__drv_acquiresCancelSpinLock __drv_acquiresCriticalRegion __drv_acquiresExclusiveResource(1)
__drv_acquiresExclusiveResourceGlobal(1, 2) __drv_acquiresPriorityRegion __drv_acquiresResource(1)
__drv_acquiresResourceGlobal(1, 2) __drv_aliasesMem __drv_allocatesMem(1) __drv_arg(1, 2)
__drv_at(*Value, __drv_in(_In_)) __drv_callbackType(1) __drv_clearDoInit(1)
__drv_completionType(1) __drv_constant __drv_defined(1) __drv_deref(1) __drv_dispatchType(1)
__drv_dispatchType_other __drv_floatRestored __drv_floatSaved __drv_floatUsed
__drv_formatString(1) __drv_freesMem(1) __drv_fun(1) __drv_functionClass(1) __drv_in(1)
__drv_in_deref(1) __drv_interlocked __drv_inTry __drv_IoGetDmaAdapter __drv_isCancelIRQL
__drv_isObjectPointer __drv_maxFunctionIRQL(1) __drv_maxIRQL(1) __drv_minFunctionIRQL(1)
__drv_minIRQL(1) __drv_mustHold(1) __drv_mustHoldCancelSpinLock __drv_mustHoldCriticalRegion
__drv_mustHoldGlobal(1, 2) __drv_mustHoldPriorityRegion __drv_neverHold(1)
__drv_neverHoldCancelSpinLock __drv_neverHoldCriticalRegion __drv_neverHoldGlobal(1, 2)
__drv_neverHoldPriorityRegion __drv_nonConstant __drv_notInTry __drv_notPointer __drv_out(1)
__drv_out_deref(1) __drv_preferredFunction(1, 2) __drv_raisesIRQL(1) __drv_releasesCancelSpinLock
__drv_releasesCriticalRegion __drv_releasesExclusiveResource(1)
__drv_releasesExclusiveResourceGlobal(1, 2) __drv_releasesPriorityRegion __drv_releasesResource(1)
__drv_releasesResourceGlobal(1, 2) __drv_reportError(1) __drv_requiresIRQL(1) __drv_restoresIRQL
__drv_restoresIRQLGlobal(1, 2) __drv_ret(1) __drv_sameIRQL __drv_savesIRQL
__drv_savesIRQLGlobal(1, 2) __drv_setsIRQL(1) __drv_strictType(1, 2) __drv_strictTypeMatch(1)
__drv_unit(1) __drv_useCancelIRQL __drv_valueIs(1) __drv_when(Value != 0, _Out_)
static ULONG OldKernelFunctions(ULONG Value)
{
	return Value + 1;
}

__allocator __analysis_noreturn __bcount(1) __bcount_opt(1) __blocksOn(1) __bound
__byte_readableTo(1) __byte_writableTo(1) __callback __checkReturn __control_entrypoint(1)
__data_entrypoint(1) __deallocate(1) __deallocate_opt(1) __ecount(1) __ecount_opt(1)
__elem_readableTo(1) __elem_writableTo(1) __encoded_array __encoded_pointer __exceptthat
__failure(1) __failureDefault(1) __format_string __gdi_entry __inexpressible_readableTo(1)
__inexpressible_writableTo(1) __kernel_entry __maybenull __maybereadonly __maybevalid
__nonvolatile __notnull __notreadonly __notvalid __nullnullterminated __nullterminated
__on_failure(1) __override __possibly_notnullterminated __post __post_bcount(1)
__post_deref_except_maybenull __post_ecount(1) __post_except_maybenull __post_invalid
__post_nullnullterminated __postcond(1) __pre __pre_deref_except_maybenull __pre_except_maybenull
__precond(1) __range(1, 2) __range_max(1, 2) __range_min(1, 2) __readableTo(1) __readonly
__refparam __rpc_entry __static_context(1, 2) __success(return != 0) __this_out_data_source(1)
__this_out_validated(1) __transfer(1) __type_has_adt_prop(1, 2) __typefix(1) __valid
__writableTo(1) __xcount(1) __xcount_opt(1)
static ULONG OldEverythingElse(ULONG Value)
{
	return Value + 1;
}

/* Arguments that only an annotation understands. */
_Requires_lock_held_(_Global_cancel_spin_lock_) _Requires_lock_held_(_Global_critical_region_)
_Requires_lock_held_(_Global_priority_region_) _Has_lock_kind_(_Lock_kind_critical_section_)
_Has_lock_kind_(_Lock_kind_event_) _Has_lock_kind_(_Lock_kind_semaphore_)
_Has_lock_kind_(_Lock_kind_spin_lock_) _Post_satisfies_(_Old_(*_Curr_) == _Param_(1))
_Post_readable_size_(_Inexpressible_("as it says itself"))
_Pre_satisfies_(_Nullterm_length_(Value) > 1)
static ULONG Arguments(ULONG Value)
{
	return Value + 1;
}

/* Statements, which evaluate nothing. */
static ULONG Statements(ULONG Value)
{
	ULONG Count = 0;

	_Analysis_assume_(Count++ == 0);
	__allowed(Count++ == 0);
	__analysis_assert(Count++ == 0);
	__analysis_assume(Count++ == 0);
	__analysis_assume_lock_acquired(Count++ == 0);
	__analysis_assume_lock_released(Count++ == 0);
	__analysis_assume_nullterminated(Count++ == 0);
	__analysis_hint(Count++ == 0);
	__analysis_suppress_lock_checking(Count++ == 0);
	__assume_bound(Count++ == 0);
	__assume_validated(Count++ == 0);
	__class_code_content(Count++ == 0);
	__declare_lock_level(Count++ == 0);
	__drv_holdsCancelSpinLock();
	__drv_holdsCriticalRegion();
	__drv_holdsPriorityRegion();
	__drv_KMDF;
	__drv_NDIS;
	__drv_WDM;
	__file_parser(Count++ == 0);
	__file_parser_class(Count++ == 0);
	__file_parser_library(Count++ == 0);
	__internal_kernel_driver;
	__kernel_code;
	__kernel_driver;
	__lock_level_order(Count++ == 0, Count++);
	__prefast_operator_new_null;
	__prefast_operator_new_throws;
	__sdv_retrieve_request(Count++ == 0);
	__sdv_save_adapter_context(Count++ == 0);
	__sdv_save_request(Count++ == 0);
	__source_code_content(Count++ == 0);
	__user_code;
	__user_driver;
	_Analysis_assume_lock_acquired_(Count++ == 0);
	_Analysis_assume_lock_held_(Count++ == 0);
	_Analysis_assume_lock_not_held_(Count++ == 0);
	_Analysis_assume_lock_released_(Count++ == 0);
	_Analysis_assume_nullterminated_(Count++ == 0);
	_Analysis_assume_same_lock_(Count++ == 0, Count++);
	_Analysis_assume_section_locked_(Count++ == 0);
	_Analysis_assume_section_unlocked_(Count++ == 0);
	_Analysis_mode_(Count++ == 0);
	_Analysis_suppress_lock_checking_(Count++ == 0);
	_Benign_race_begin_;
	_Benign_race_end_;
	_Create_lock_level_(Count++ == 0);
	_Lock_level_order_(Count++ == 0, Count++);
	_No_competing_thread_begin_;
	_No_competing_thread_end_;
	BENIGN_RACE_BEGIN;
	BENIGN_RACE_END;
	NO_COMPETING_THREAD_BEGIN;
	NO_COMPETING_THREAD_END;
	_IRQL_limited_to_(DISPATCH_LEVEL);
	switch (Value) {
	case 1:
		Value++;
		__fallthrough;
	default:
		break;
	}
	return Value + Count;
}

VOID DdkAnnotations(VOID)
{
	CHECK(ReadParameters(1) == 2);
	CHECK(WrittenParameters(1) == 2);
	CHECK(ReadAndWrittenParameters(1) == 2);
	CHECK(ReturnedPointers(1) == 2);
	CHECK(Preconditions(1) == 2);
	CHECK(Postconditions(1) == 2);
	CHECK(PointedTo(1) == 2);
	CHECK(OldReadParameters(1) == 2);
	CHECK(OldWrittenParameters(1) == 2);
	CHECK(OldReadAndWrittenParameters(1) == 2);
	CHECK(OldPointedTo(1) == 2);
	CHECK(Results(1) == 2);
	CHECK(Conditions(1) == 2);
	CHECK(Locks(1) == 2);
	CHECK(Levels(1) == 2);
	CHECK(KernelFunctions(1) == 2);
	CHECK(OldKernelFunctions(1) == 2);
	CHECK(OldEverythingElse(1) == 2);
	CHECK(Arguments(1) == 2);
	CHECK(Statements(1) == 2);
	CHECK(sizeof(ANNOTATED) == 8);
	CHECK(FIELD_OFFSET(ANNOTATED, Second) == 2);
	CHECK(__drv_typeConst == 0 && __drv_typeCond == 1);
	CHECK(__drv_typeBitset == 2 && __drv_typeExpr == 3);
}
