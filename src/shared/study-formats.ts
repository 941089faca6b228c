/** Files that a study can be kept as. */
export const STUDY_FORMATS = ['html', 'csv', 'json', 'yaml'] as const
export type StudyFormat = (typeof STUDY_FORMATS)[number]
