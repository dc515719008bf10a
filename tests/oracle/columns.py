"""Where each field stands: 1-based columns, line end aside, as the guide prints them (pp. 55-66, 110)."""

from collections.abc import Mapping

Columns = Mapping[str, slice]

KEY = "system_indicator 1-3  transaction_code 4-6  beginning_school_session_year 7-10  sponsor_code 11-13"

FLAGS = """
sex_code 100-100  grade_placement_code 101-102  grade_9_entry_year 103-106  graduation_date 107-114
career_option_code 115-117  academic_endorsement_code 118-119  career_tech_endorsement_code 120-121
met_gee_eoc_flag 122-122  local_gpa 123-130  local_rank_in_class_position 131-134  local_rank_in_class_size 135-138
hispanic_latino_ethnicity_flag 139-139  american_indian_or_alaskan_native_race_flag 140-140  asian_race_flag 141-141
black_or_african_american_race_flag 142-142  native_hawaiian_or_other_pacific_islander_race_flag 143-143
white_race_flag 144-144  diploma_pathway 145-146  parental_guardian_consent_flag 147-147
"""

PLACE_AND_TYPE = """
core_curriculum_waiver_flag 47-47  course_sponsor_code 48-50  course_site_code 51-56  course_site_name 57-102
transcript_course_name 103-162  quality_points_awarded_count 163-165  course_type_code 166-167
distance_learning_course_type_code 168-169  local_course_code 170-175
dual_enrollment_postsecondary_credit_hours_earned 176-179  dual_enrollment_secondary_site 180-185
"""

CREDENTIAL = """
site_code 14-19  local_identification_number 20-28  state_identification_number 29-38  partial_last_name 39-41
partial_first_name 42-42  ibc_code 43-45  semester_ibc_earned 46-46  year_ibc_earned 47-50  test_vendor 51-53
pass_fail 54-54  ibc_earned_sponsor_code 55-57  ibc_earned_site_code 58-63
"""

TEXT = {
    ("public", "020"): """
        state_identification_number 14-23  local_identification_number 24-32  site_code 33-38
        partial_first_name 39-39  filler_1 40-67  partial_last_name 68-70  filler_2 71-92  day_of_birth 93-94
        filler_3 95-99  fafsa_application_flag 148-148  community_service_endorsement 149-150
        state_seal_of_biliteracy_endorsement 151-152  eoc_subject_area_ela 153-153  eoc_subject_area_math 154-154
        eoc_subject_area_science 155-155  eoc_subject_area_social_studies 156-156  filler_4 157-200
    """
    + FLAGS,
    ("nonpublic", "020"): """
        state_identification_number 14-22  local_identification_number 23-31  site_code 32-37  first_name 38-52
        middle_name 53-67  last_name 68-87  suffix_name 88-90  birth_date 91-98  filler_1 99-99  filler_2 148-200
    """
    + FLAGS,
    ("public", "030"): """
        state_identification_number 14-23  course_beginning_school_session_year 24-27  course_code 28-33
        course_part_number 34-34  semester_code 35-36  letter_grade_code 37-37  credit_attempted_count 38-40
        credit_earned_count 41-43  grade_point_maximum_count 44-46  filler_1 186-200
    """
    + PLACE_AND_TYPE,
    ("nonpublic", "030"): """
        state_identification_number 14-22  course_beginning_school_session_year 23-26  course_code 27-32
        course_part_number 33-33  semester_code 34-35  letter_grade_code 36-36  credit_attempted_count 37-39
        credit_earned_count 40-42  grade_point_maximum_count 43-45  filler_1 46-46  filler_2 186-200
    """
    + PLACE_AND_TYPE,
    ("public", "050"): CREDENTIAL,
    ("nonpublic", "050"): CREDENTIAL,
}


def columns(text: str) -> Columns:
    """Slices of a line by field name."""
    words = iter(text.split())
    spans = {name: next(words).split("-") for name in words}
    return {name: slice(int(first) - 1, int(last)) for name, (first, last) in spans.items()}


COLUMNS: Mapping[tuple[str, str], Columns] = {key: columns(KEY + text) for key, text in TEXT.items()}
