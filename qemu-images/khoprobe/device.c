// SPDX-License-Identifier: GPL-2.0-only
/* /dev/khoprobe: a line written is a command; its answer is read from the same open file. */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include "khoprobe.h"

#define REPLY_SIZE (192 * 1024)

/* All commands of all openers, one after the other. */
static DEFINE_MUTEX(probe_lock);

static int probe_open(struct inode *inode, struct file *file)
{
	struct probe_reply *reply = kzalloc_obj(*reply);

	if (!reply)
		return -ENOMEM;
	reply->size = REPLY_SIZE;
	reply->text = vzalloc(REPLY_SIZE);
	if (!reply->text) {
		kfree(reply);
		return -ENOMEM;
	}
	file->private_data = reply;
	return stream_open(inode, file);
}

static int probe_release(struct inode *inode, struct file *file)
{
	struct probe_reply *reply = file->private_data;

	vfree(reply->text);
	kfree(reply);
	return 0;
}

/*
 * An error of a command is the error of the write; the line that explains it can be read all
 * the same.
 */
static ssize_t probe_write(struct file *file, const char __user *from, size_t length,
			   loff_t *offset)
{
	struct probe_reply *reply = file->private_data;
	char line[PROBE_LINE];
	int err;

	guard(mutex)(&probe_lock);
	reply->length = 0;
	reply->position = 0;
	if (length >= sizeof(line))
		return probe_refuse(reply, -E2BIG, "a line has at most %zu characters",
				    sizeof(line) - 1);
	if (copy_from_user(line, from, length))
		return -EFAULT;
	if (length && line[length - 1] == '\n')
		line[length - 1] = '\0';
	line[length] = '\0';
	if (length > 1 && strlen(line) < length - 1)
		return probe_refuse(reply, -EINVAL, "a line is printable ASCII");
	err = probe_command(line, reply);
	return err ?: length;
}

static ssize_t probe_read(struct file *file, char __user *to, size_t length, loff_t *offset)
{
	struct probe_reply *reply = file->private_data;

	guard(mutex)(&probe_lock);
	return simple_read_from_buffer(to, length, &reply->position, reply->text, reply->length);
}

static const struct file_operations probe_operations = {
	.owner = THIS_MODULE,
	.open = probe_open,
	.release = probe_release,
	.read = probe_read,
	.write = probe_write,
};

static struct miscdevice probe_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = PROBE_NAME,
	.fops = &probe_operations,
	.mode = 0600,
};

static int __init probe_init(void)
{
	int err;

	if (!kho_is_enabled())
		pr_info(PROBE_NAME ": KHO is off; nothing can be preserved\n");
	err = probe_inherit();
	if (err)
		return err;
	return misc_register(&probe_device);
}

static void __exit probe_exit(void)
{
	misc_deregister(&probe_device);
	probe_drop_table();
	probe_free_all();
}

module_init(probe_init);
module_exit(probe_exit);
MODULE_DESCRIPTION("Allocates pages and hands them over by Kexec HandOver, as it is told");
MODULE_AUTHOR("kho-lab");
MODULE_LICENSE("GPL");
