/* SPDX-License-Identifier: MIT */
/* The guest's own tools are one static program; each is found by the name it is called with. */
#ifndef KHO_LAB_TOOLS_H
#define KHO_LAB_TOOLS_H

int kho_capture(int argc, char **argv);
int kexec_load(int argc, char **argv);
int lab_idle(int argc, char **argv);
int khoprobe(int argc, char **argv);
int luo(int argc, char **argv);

#endif
